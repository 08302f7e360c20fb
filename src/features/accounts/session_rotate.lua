-- One use of a refresh token. KEYS[1] the family; ARGV: presented hash, new hash, new token sealed under the presented one,
-- life in seconds, milliseconds that a predecessor stays good after its successor's first use.
-- Whether 'reused' is a theft or a Redis that is older than its twin is for the twin to say.
-- Answers {what, generation, current, previous, sealed for the caller, sealed of the newest}.
local f = redis.call('HMGET', KEYS[1], 'cur', 'prev', 'sealed', 'old', 'old_sealed', 'old_until', 'gen')
if not f[1] then return {'missing'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] == f[1] then
  local gen = tonumber(f[7]) + 1
  redis.call('HSET', KEYS[1], 'cur', ARGV[2], 'prev', f[1], 'sealed', ARGV[3], 'gen', gen,
    'old', f[2] or '', 'old_sealed', f[3] or '', 'old_until', now + tonumber(ARGV[5]))
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  return {'rotated', gen, ARGV[2], f[1], ARGV[3], ARGV[3]}
end
if f[2] and f[2] ~= '' and ARGV[1] == f[2] then
  return {'same', tonumber(f[7]), f[1], f[2], f[3], f[3]}
end
if f[4] and f[4] ~= '' and ARGV[1] == f[4] and now < tonumber(f[6]) then
  return {'same', tonumber(f[7]), f[1], f[2], f[5], f[3]}
end
return {'reused'}
