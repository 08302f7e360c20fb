-- Keeps the leases of a node's turns and notes which chats are listened to on it; tells which turns nobody keeps any more, and
-- how long ago each kept turn's chat was last listened to (ms; -1: not known).
-- After a time in which no node reached Redis nothing lapses until each has had the time to keep its own.
-- KEYS: turns by the end of their lease, chats by when they were last heard, when turns were last kept. ARGV: lease in ms, number
-- of turns, how many lapsed ones to take, then a turn and its chat for each, then the chats listened to.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local first = 4 + 2 * count
for i = first, #ARGV do
    redis.call('ZADD', KEYS[2], now, ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 600000)
local ages = {}
for i = 1, count do
    local turn, chat = ARGV[2 + 2 * i], ARGV[3 + 2 * i]
    redis.call('ZADD', KEYS[1], now + lease, turn)
    local heard = redis.call('ZSCORE', KEYS[2], chat)
    ages[i] = heard and math.floor(now - heard) or -1
end
if ARGV[3] == '0' then return {{}, ages} end
local kept = redis.call('HMGET', KEYS[3], 'at', 'wait')
local wait = tonumber(kept[2]) or 0
if kept[1] and now - kept[1] > lease / 2 then wait = now + lease end
redis.call('HSET', KEYS[3], 'at', now, 'wait', wait)
if now < wait then return {{}, ages} end
local lapsed = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, tonumber(ARGV[3]))
for _, turn in ipairs(lapsed) do
    redis.call('ZREM', KEYS[1], turn)
end
return {lapsed, ages}
