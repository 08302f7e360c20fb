-- with clock
-- A node's members, renewed in one go. KEYS: members, accounts; ARGV: node, milliseconds, accounts…
for i = 3, #ARGV do
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[i] .. ':' .. ARGV[1])
  redis.call('ZADD', KEYS[2], 'GT', now + ARGV[2], ARGV[i])
end
return 1
