-- A new room; 0 when there is one of that name. KEYS: room. ARGV: host, title, password, milliseconds.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'host', ARGV[1], 'title', ARGV[2], 'password', ARGV[3], 'next', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
