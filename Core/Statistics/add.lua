-- Adds a batch of counts once, however often it is sent: names and values of the counts follow. Lifetimes are milliseconds.
local counts, last_batch = KEYS[1], KEYS[2]
local number, number_lifetime, counts_lifetime, at = unpack(ARGV, 1, 4)
if redis.call('GET', last_batch) == number then
    return 0
end
for i = 5, #ARGV, 2 do
    redis.call('HINCRBY', counts, ARGV[i], ARGV[i + 1])
end
local last = redis.call('HGET', counts, 'last')
if not last or tonumber(last) < tonumber(at) then
    redis.call('HSET', counts, 'last', at)
end
redis.call('PEXPIRE', counts, counts_lifetime)
redis.call('SET', last_batch, number, 'PX', number_lifetime)
return 1
