-- One try at a mailed code. KEYS[1]; ARGV[1] tries allowed. Answers the stored hash, or nothing.
local hash = redis.call('HGET', KEYS[1], 'hash')
if not hash then return false end
if redis.call('HINCRBY', KEYS[1], 'tries', 1) > tonumber(ARGV[1]) then
  redis.call('DEL', KEYS[1])
  return false
end
return hash
