-- Sets the mark where there is none. Answers the one that holds.
local mark, now = KEYS[1], ARGV[1]
redis.call('SET', mark, now, 'NX')
return redis.call('GET', mark)
