-- Friends of these accounts are still to be told. KEYS: untold; ARGV: accounts…
for i = 1, #ARGV do
  redis.call('ZADD', KEYS[1], 0, ARGV[i])
end
return 1
