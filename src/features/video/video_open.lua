-- A new room; 0 when there is one of that name. KEYS: room, codes of its host's rooms. ARGV: host, title, password, milliseconds, code.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'host', ARGV[1], 'title', ARGV[2], 'password', ARGV[3], 'next', 0)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('SADD', KEYS[2], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[4] * 28)
return 1
