-- Adds a response to the cache of a model version. What Redis has let expire is taken off the index first; then the oldest go until the
-- new one fits. Names in the index are size:hash. Ages are in microseconds: answers of one millisecond would be told apart by their
-- hashes. All keys are in one slot: the braces of their names hold the version.
local entry, index, bytes = unpack(KEYS)
local response, lifetime, max_bytes, name, prefix = unpack(ARGV)
if redis.call('EXISTS', entry) == 1 then
    return 0
end
local size, limit = #response, tonumber(max_bytes)
if size > limit then
    return 0
end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local function drop(old)
    local freed, hash = string.match(old, '^(%d+):(.*)$')
    if redis.call('ZREM', index, old) == 1 then
        redis.call('DEL', prefix .. hash)
        redis.call('DECRBY', bytes, freed)
    end
end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', index, '-inf', now - lifetime * 1000)) do
    drop(old)
end
while tonumber(redis.call('GET', bytes) or '0') + size > limit do
    local oldest = redis.call('ZRANGE', index, 0, 0)[1]
    if not oldest then
        redis.call('DEL', bytes)
        break
    end
    drop(oldest)
end
if redis.call('ZADD', index, now, name) == 1 then
    redis.call('INCRBY', bytes, size)
end
redis.call('SET', entry, response, 'PX', lifetime)
redis.call('PEXPIRE', index, lifetime)
redis.call('PEXPIRE', bytes, lifetime)
return 1
