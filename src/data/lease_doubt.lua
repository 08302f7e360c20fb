-- with clock
-- A last lease for things that have none. KEYS: things by when they lapse; ARGV: milliseconds, things…
for i = 2, #ARGV do
  redis.call('ZADD', KEYS[1], 'NX', now + ARGV[1], ARGV[i])
end
return 1
