-- with clock
-- Takes a place in a room, or comes back to one's own: then the name and the order stay, and the number of joins goes up.
-- KEYS: room, places by the end of their lease. ARGV: room's code, account, a name, page, guests at most, milliseconds of the
-- place, of the room. A place is 'name order joins page'. Answers what came of it, and the room.
local host = redis.call('HGET', KEYS[1], 'host')
if not host then return { 'came', 'none' } end
if redis.call('HEXISTS', KEYS[1], 'out:' .. ARGV[2]) == 1 then return { 'came', 'kicked' } end
local mine = 'seat:' .. ARGV[2]
local seat = redis.call('HGET', KEYS[1], mine)
local name, order, joins
if seat then
  name, order, joins = string.match(seat, '^(%S+) (%d+) (%d+)')
else
  if ARGV[2] ~= host then
    local guests = 0
    for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
      if string.sub(field, 1, 5) == 'seat:' and field ~= 'seat:' .. host then guests = guests + 1 end
    end
    if guests >= tonumber(ARGV[5]) then return { 'came', 'full' } end
  end
  name, order, joins = ARGV[3], redis.call('HINCRBY', KEYS[1], 'next', 1), 0
end
redis.call('HSET', KEYS[1], mine, name .. ' ' .. order .. ' ' .. (joins + 1) .. ' ' .. ARGV[4])
redis.call('ZADD', KEYS[2], now + ARGV[6], ARGV[1] .. ':' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[7])
return { 'came', 'done', 'room', redis.call('HGETALL', KEYS[1]) }
