-- with clock
-- A lease is a member of a sorted set, with the time at which it lapses.

-- Leases that have lapsed, or none after a time in which no node looked: nobody could reach Redis then, and each gets the time to
-- keep its own. `rounds` remembers when they were looked at; `gap` and `grace` in milliseconds, `most` of them.
local function lease_lapsed(leases, rounds, gap, grace, most)
  local was = redis.call('HMGET', rounds, 'at', 'wait')
  local wait = tonumber(was[2]) or 0
  if was[1] and now - was[1] > tonumber(gap) then wait = now + grace end
  redis.call('HSET', rounds, 'at', now, 'wait', wait)
  if now < wait then return {} end
  return redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, most)
end

local function lease_ends(leases, thing)
  return tonumber(redis.call('ZSCORE', leases, thing)) or 0
end
