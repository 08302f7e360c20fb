-- Accounts whose last member has expired: a crashed node's. KEYS: members, accounts. Each is handed to exactly one caller.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local gone = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1000)
for _, account in ipairs(gone) do redis.call('ZREM', KEYS[2], account) end
return gone
