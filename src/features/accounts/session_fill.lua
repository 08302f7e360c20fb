-- Refills a family that Redis forgot, unless it is there. KEYS[1]; ARGV: current, previous, sealed, generation, life in seconds.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'cur', ARGV[1], 'prev', ARGV[2], 'sealed', ARGV[3], 'gen', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
