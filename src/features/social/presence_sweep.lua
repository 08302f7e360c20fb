-- Accounts whose friends have to be told, each handed to one caller until its claim is over: those whose last member has expired (a
-- crashed node's), and those of whom a telling failed. KEYS: members, accounts, untold, the sweeps; ARGV: milliseconds of a claim,
-- of a gap between two sweeps after which the nodes are given time to renew first, and that time.
-- Answers {claim, account, online, account, online …}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local sweeps = redis.call('HMGET', KEYS[4], 'at', 'from')
local from = tonumber(sweeps[2] or 0)
if sweeps[1] and now - tonumber(sweeps[1]) > tonumber(ARGV[2]) then from = now + ARGV[3] end
redis.call('HSET', KEYS[4], 'at', now, 'from', from)
if now >= from then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  for _, account in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 1000)) do
    redis.call('ZREM', KEYS[2], account)
    redis.call('ZADD', KEYS[3], 0, account)
  end
end
local claim = now + ARGV[1]
local out = { claim }
for _, account in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZADD', KEYS[3], claim, account)
  out[#out + 1] = tonumber(account)
  out[#out + 1] = tonumber(redis.call('ZSCORE', KEYS[2], account) or 0) > now and 1 or 0
end
return out
