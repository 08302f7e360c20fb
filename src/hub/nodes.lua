-- with clock
-- Renews a node's lease and tells who is alive. KEYS[1] the leases; ARGV: name, milliseconds.
-- Answers whether the lease was not there (a start, or a Redis that forgot), and the names.
local fresh = redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60000)
return { 'fresh', fresh, 'alive', redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf') }
