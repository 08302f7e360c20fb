-- with clock
-- One use of a refresh token. KEYS[1] the family; ARGV: presented hash, new hash, new token sealed under the presented one,
-- life in seconds, milliseconds that a predecessor stays good after its successor's first use.
-- Whether 'reused' is a theft or a Redis that is older than its twin is for the twin to say.
-- Answers what came of it, and the family: `mine` is what is sealed for the caller, `sealed` the newest.
local f = redis.call('HMGET', KEYS[1], 'cur', 'prev', 'sealed', 'old', 'old_sealed', 'old_until', 'gen')
if not f[1] then return { 'what', 'missing' } end
if ARGV[1] == f[1] then
  local gen = tonumber(f[7]) + 1
  redis.call('HSET', KEYS[1], 'cur', ARGV[2], 'prev', f[1], 'sealed', ARGV[3], 'gen', gen,
    'old', f[2] or '', 'old_sealed', f[3] or '', 'old_until', now + tonumber(ARGV[5]))
  redis.call('EXPIRE', KEYS[1], ARGV[4])
  return { 'what', 'rotated', 'generation', gen, 'current', ARGV[2], 'previous', f[1], 'mine', ARGV[3], 'sealed', ARGV[3] }
end
if f[2] and f[2] ~= '' and ARGV[1] == f[2] then
  return { 'what', 'same', 'generation', f[7], 'current', f[1], 'previous', f[2], 'mine', f[3], 'sealed', f[3] }
end
if f[4] and f[4] ~= '' and ARGV[1] == f[4] and now < tonumber(f[6]) then
  return { 'what', 'same', 'generation', f[7], 'current', f[1], 'previous', f[2], 'mine', f[5], 'sealed', f[3] }
end
return { 'what', 'reused' }
