-- A last lease for turns that have none: their node ended before it took one, or Redis has forgotten it.
-- KEYS: turns by the end of their lease. ARGV: lease in ms, turns.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do
    redis.call('ZADD', KEYS[1], 'NX', now + ARGV[1], ARGV[i])
end
return #ARGV - 1
