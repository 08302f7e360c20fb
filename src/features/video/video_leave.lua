-- with lease
-- Gives a place up; when it is the host's, the room is gone. KEYS: room, places by the end of their lease. ARGV: room's code,
-- account, how: the number of joins that it must still be at, 'lapsed' (it must be), 'kicked' (it may not come back),
-- or 'closed' (the host may have no place). Answers the room as it was, or nothing when it does not apply.
local how, mine, member = ARGV[3], 'seat:' .. ARGV[2], ARGV[1] .. ':' .. ARGV[2]
local host = redis.call('HGET', KEYS[1], 'host')
local seat = redis.call('HGET', KEYS[1], mine)
if how == 'lapsed' then
  if lease_ends(KEYS[2], member) > now then return {} end
  redis.call('ZREM', KEYS[2], member)
end
if not host or (not seat and how ~= 'closed') then return {} end
if tonumber(how) and string.match(seat, '^%S+ %d+ (%d+)') ~= how then return {} end
local room = redis.call('HGETALL', KEYS[1])
redis.call('ZREM', KEYS[2], member)
if ARGV[2] ~= host then
  redis.call('HDEL', KEYS[1], mine)
  if how == 'kicked' then redis.call('HSET', KEYS[1], 'out:' .. ARGV[2], 1) end
  return room
end
for i = 1, #room, 2 do
  if string.sub(room[i], 1, 5) == 'seat:' then redis.call('ZREM', KEYS[2], ARGV[1] .. ':' .. string.sub(room[i], 6)) end
end
redis.call('DEL', KEYS[1])
return room
