-- How a queue stands: bytes, removed, dead letters, then entries, pending ones and the oldest's age (ms, -1: none) of each level. The age
-- is by Redis' own clock, which also gave the entries their ids.
local group = ARGV[1]
local counts = redis.call('HMGET', state, 'bytes', 'removed')
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local answer = { tonumber(counts[1]) or 0, tonumber(counts[2]) or 0, redis.call('XLEN', dead_letters) }
for level = 1, 4 do
    local length, pending, age = redis.call('XLEN', KEYS[level]), 0, -1
    if length > 0 then
        local summary = redis.pcall('XPENDING', KEYS[level], group)
        pending = summary[1] or 0
        local oldest = pending > 0 and summary[2] or redis.call('XRANGE', KEYS[level], '-', '+', 'COUNT', 1)[1][1]
        age = math.max(0, now - tonumber(string.match(oldest, '^%d+')))
    end
    answer[#answer + 1] = length
    answer[#answer + 1] = pending
    answer[#answer + 1] = age
end
return answer
