-- Renews a node's lease and tells who is alive. KEYS[1] the leases; ARGV: name, milliseconds.
-- Answers 1 if the lease was not there (a start, or a Redis that forgot), then the names.
local now = redis.call('TIME')
local ms = now[1] * 1000 + math.floor(now[2] / 1000)
local fresh = redis.call('ZADD', KEYS[1], ms + tonumber(ARGV[2]), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ms - 60000)
local alive = redis.call('ZRANGEBYSCORE', KEYS[1], ms, '+inf')
table.insert(alive, 1, fresh)
return alive
