-- with clock
-- Notes which chats are listened to on a node, and tells how long ago others were listened to on any (ms; -1: not known).
-- KEYS: chats by when they were last heard. ARGV: how many are listened to, those, then those that are asked for.
local listened, ages = tonumber(ARGV[1]), {}
for i = 2, 1 + listened do
  redis.call('ZADD', KEYS[1], now, ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 600000)
for i = 2 + listened, #ARGV do
  local heard = redis.call('ZSCORE', KEYS[1], ARGV[i])
  ages[#ages + 1] = heard and math.floor(now - heard) or -1
end
return {'ages', ages}
