-- with lease
-- Friends of these accounts have been told; unless something came between. KEYS: untold; ARGV: claim, accounts…
for i = 2, #ARGV do
  if lease_ends(KEYS[1], ARGV[i]) == tonumber(ARGV[1]) then redis.call('ZREM', KEYS[1], ARGV[i]) end
end
return 1
