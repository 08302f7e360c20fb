-- with lease
-- An account's first socket on a node. KEYS: members by expiry, accounts by expiry, untold; ARGV: account, node, milliseconds of the
-- lease, of a claim. Answers 1 when it was offline everywhere. What is being told of it at this moment is told once more.
local before = lease_ends(KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1] .. ':' .. ARGV[2])
redis.call('ZADD', KEYS[2], 'GT', now + ARGV[3], ARGV[1])
redis.call('ZADD', KEYS[3], 'XX', now + ARGV[4], ARGV[1])
return before > now and 0 or 1
