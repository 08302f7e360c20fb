-- Renews a node's lease and tells who else is alive. KEYS[1] the leases; ARGV: name, milliseconds.
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
redis.call('ZADD', KEYS[1], ms + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - 60000)
return redis.call('ZRANGEBYSCORE', KEYS[1], ms, '+inf')
