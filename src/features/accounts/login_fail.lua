-- Counts a failure on each key, for ARGV[1] seconds after the last. Answers nothing of use.
for _, key in ipairs(KEYS) do
  redis.call('INCR', key)
  redis.call('EXPIRE', key, ARGV[1])
end
return 1
