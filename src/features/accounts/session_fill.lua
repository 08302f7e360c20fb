-- Puts a family right from its durable twin: when Redis forgot it, knows an older generation, or another token of the same one.
-- KEYS[1]; ARGV: current, previous, sealed, generation, life in seconds.
local f = redis.call('HMGET', KEYS[1], 'cur', 'gen')
local gen = tonumber(f[2] or '0')
if f[1] and (gen > tonumber(ARGV[4]) or (gen == tonumber(ARGV[4]) and f[1] == ARGV[1])) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'cur', ARGV[1], 'prev', ARGV[2], 'sealed', ARGV[3], 'gen', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
