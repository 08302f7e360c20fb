-- with lease
-- An account's last socket on a node closed a while ago. KEYS: members, accounts, nodes, untold; ARGV: account, node, milliseconds
-- of a claim. Answers 1 when no other node has it. What is being told of it at this moment is told once more.
redis.call('ZREM', KEYS[1], ARGV[1] .. ':' .. ARGV[2])
redis.call('ZADD', KEYS[4], 'XX', now + ARGV[3], ARGV[1])
local latest = 0
for _, node in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
  latest = math.max(latest, lease_ends(KEYS[1], ARGV[1] .. ':' .. node))
end
if latest > now then
  redis.call('ZADD', KEYS[2], latest, ARGV[1])
  return 0
end
return redis.call('ZREM', KEYS[2], ARGV[1])
