-- with lease
-- Keeps the places that a node has sockets for. KEYS: places by the end of their lease, when places were last kept, then the
-- room of each place. ARGV: milliseconds of a place, of a room, how many lapsed ones to tell, then code, account and number of
-- joins of each. Answers which places are no longer so (from 1), and places that lapsed.
local lease, lost = tonumber(ARGV[1]), {}
for i = 1, #KEYS - 2 do
  local code, account, joins = ARGV[1 + 3 * i], ARGV[2 + 3 * i], ARGV[3 + 3 * i]
  local seat = redis.call('HGET', KEYS[2 + i], 'seat:' .. account)
  if seat and string.match(seat, '^%S+ %d+ (%d+)') == joins then
    redis.call('ZADD', KEYS[1], now + lease, code .. ':' .. account)
    redis.call('PEXPIRE', KEYS[2 + i], ARGV[2])
  else
    lost[#lost + 1] = i
  end
end
return { 'lost', lost, 'lapsed', lease_lapsed(KEYS[1], KEYS[2], lease / 2, lease, ARGV[3]) }
