-- Redis's own time in milliseconds, since the clocks of nodes differ.
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
