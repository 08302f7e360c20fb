-- with lease
-- Accounts whose friends have to be told, each handed to one caller until its claim is over: those whose last member has expired (a
-- crashed node's), and those of whom a telling failed. KEYS: members, accounts, untold, the sweeps; ARGV: milliseconds of a claim,
-- of a gap between two sweeps after which the nodes are given time to renew first, and that time.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for _, account in ipairs(lease_lapsed(KEYS[2], KEYS[4], ARGV[2], ARGV[3], 1000)) do
  redis.call('ZREM', KEYS[2], account)
  redis.call('ZADD', KEYS[3], 0, account)
end
local claim, changes = now + ARGV[1], {}
for _, account in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 1000)) do
  redis.call('ZADD', KEYS[3], claim, account)
  changes[#changes + 1] = { 'account', account, 'online', lease_ends(KEYS[2], account) > now and 1 or 0 }
end
return { 'claim', claim, 'changes', changes }
