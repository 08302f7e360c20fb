-- with lease
-- Renews leases or takes them, and tells which nobody keeps: each to one asker. KEYS: things by when they lapse, the rounds; ARGV:
-- milliseconds, how many lapsed ones at most, things…
local leases, rounds, lease, most = KEYS[1], KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[2])
for i = 3, #ARGV do
  redis.call('ZADD', leases, now + lease, ARGV[i])
end
local lapsed = most > 0 and lease_lapsed(leases, rounds, lease / 2, lease, most) or {}
for _, thing in ipairs(lapsed) do
  redis.call('ZREM', leases, thing)
end
return {'things', lapsed}
