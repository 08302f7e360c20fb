-- One more try. KEYS[1]; ARGV: how many, milliseconds in which they count. Answers 0, or milliseconds to wait.
local tries = redis.call('INCR', KEYS[1])
if tries == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if tries <= tonumber(ARGV[1]) then return 0 end
return math.max(1, redis.call('PTTL', KEYS[1]))
