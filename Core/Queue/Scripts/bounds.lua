-- Whether a request fits: 1 where there is room, else why not, in the numbers of EnqueueOutcome. Shadow work gets half of each bound,
-- and what no worker has taken of it makes way for other work, oldest first.
local waiting, bytes, removed, shed, woken = 0, 0, 0, 0, false

local function check(level, size, max_depth, max_bytes, group)
    local counts = redis.call('HMGET', state, 'bytes', 'removed', 'woken')
    waiting, bytes, removed, woken = depth(), tonumber(counts[1]) or 0, tonumber(counts[2]) or 0, counts[3]
    if waiting == 0 and bytes ~= 0 then
        bytes = 0
        redis.call('HSET', state, 'bytes', 0)
    end
    if level == 4 then
        max_depth, max_bytes = max_depth / 2, max_bytes / 2
    end
    if size > max_bytes then
        return 4
    end
    local function decision()
        if waiting >= max_depth then return 0 end
        if bytes + size > max_bytes then return 3 end
        return 1
    end
    local answer = decision()
    if answer == 1 or level == 4 or redis.call('XLEN', KEYS[4]) == 0 then
        return answer
    end
    local taken = '0-0'
    for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[4])) do
        local about = by_name(info)
        if about['name'] == group then taken = about['last-delivered-id'] end
    end
    while answer ~= 1 do
        local oldest = redis.call('XRANGE', KEYS[4], '(' .. taken, '+', 'COUNT', 1)[1]
        if not oldest then break end
        redis.call('XDEL', KEYS[4], oldest[1])
        waiting, bytes, shed = waiting - 1, math.max(0, bytes - entry_size(oldest[2])), shed + 1
        redis.call('HSET', state, 'bytes', bytes)
        answer = decision()
    end
    return answer
end

-- The entry, its bytes, the wake-up. Every worker hears a wake-up, so there is only one until somebody has found nothing again
-- (take.lua): who finds something comes back by itself.
local function add(level, request, id, deadline, kind, channel, queue)
    redis.call('XADD', KEYS[level], '*', 'request', request, 'id', id, 'deadline', deadline, 'kind', kind)
    waiting = waiting + 1
    bytes = redis.call('HINCRBY', state, 'bytes', #request)
    if not woken then
        redis.call('HSET', state, 'woken', 1)
        redis.call('PUBLISH', channel, queue)
    end
end
