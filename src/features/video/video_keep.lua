-- Keeps the places that a node has sockets for. KEYS: places by the end of their lease, when places were last kept, then the
-- room of each place. ARGV: milliseconds of a place, of a room, how many lapsed ones to tell, then code, account and number of
-- joins of each. Answers which places are no longer so (from 1), and places that lapsed. After a time in which no node reached
-- Redis nothing lapses until each has had the time to keep its own.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
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
local kept = redis.call('HMGET', KEYS[2], 'at', 'wait')
local wait = tonumber(kept[2]) or 0
if kept[1] and now - kept[1] > lease / 2 then wait = now + lease end
redis.call('HSET', KEYS[2], 'at', now, 'wait', wait)
if now < wait then return {lost, {}} end
return {lost, redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[3])}
