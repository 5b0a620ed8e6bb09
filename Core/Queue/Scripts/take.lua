-- One read over all priorities. What was returned comes first, then what dead workers left, then new work by weight. Work that nobody
-- waits for is removed on the way and never sent to a worker. All times are milliseconds.
local group, consumer, count, now, search, visibility, backoff, longest_backoff, max_deliveries, forget_after = unpack(ARGV)
count, now, visibility, backoff = tonumber(count), tonumber(now), tonumber(visibility), tonumber(backoff)
longest_backoff, max_deliveries, forget_after = tonumber(longest_backoff), tonumber(max_deliveries), tonumber(forget_after)
local taken, expired, abandoned, freed, gone = {}, 0, 0, 0, 0
local has_marks = redis.call('EXISTS', cancelled) == 1

local function drop(level, entry)
    redis.call('XACK', KEYS[level], group, entry[1])
    if redis.call('XDEL', KEYS[level], entry[1]) == 1 then
        gone, freed = gone + 1, freed + entry_size(entry[2])
    end
end

-- An entry over its deliveries goes to the consumer in any case: it makes the dead letter.
local function consider(level, entry, deliveries)
    local fields = entry[2]
    if deliveries <= max_deliveries and fields[8] then
        if fields[8] ~= '1' and tonumber(fields[6]) <= now then
            expired = expired + 1
            return drop(level, entry)
        end
        if has_marks and redis.call('ZREM', cancelled, fields[4]) == 1 then
            abandoned = abandoned + 1
            return drop(level, entry)
        end
    end
    taken[#taken + 1] = { level, entry[1], deliveries, fields[2] or '' }
end

local function claim(level, pending)
    local claimed = redis.call('XCLAIM', KEYS[level], group, consumer, 0, pending[1])
    if claimed[1] then
        consider(level, claimed[1], pending[4] + 1)
    end
end

if redis.call('HEXISTS', state, 'returned') == 1 then
    local all = true
    for level = 1, 4 do
        local asked = count - #taken
        local found = asked > 0 and redis.pcall('XPENDING', KEYS[level], group, '-', '+', asked, 'returned') or {}
        for _, pending in ipairs(found) do
            claim(level, pending)
        end
        -- Some of what was found may have been dropped: that less was taken than asked for does not say that there is no more.
        all = all and asked > 0 and #found < asked
    end
    if all then
        redis.call('HDEL', state, 'returned')
    end
end

local function is_due(pending)
    local wait = visibility
    if pending[4] > 1 then
        wait = wait + math.min(longest_backoff, backoff * 2 ^ (pending[4] - 2))
    end
    return pending[3] >= wait
end

-- A reply that is an error has no elements: a stream without a group, as after a flush, has nothing pending.
if search == '1' then
    for level = 1, 4 do
        local found = redis.pcall('XPENDING', KEYS[level], group, 'IDLE', visibility, '-', '+', 256)
        for _, pending in ipairs(found) do
            if #taken < count and is_due(pending) then
                claim(level, pending)
            end
        end
        local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[level], group)
        for _, info in ipairs(consumers) do
            local about = by_name(info)
            if about['pending'] == 0 and about['idle'] > forget_after and about['name'] ~= consumer then
                redis.call('XGROUP', 'DELCONSUMER', KEYS[level], group, about['name'])
            end
        end
    end
end

-- Of 21 turns high has 16, normal 4 and low 1; a level without work leaves its turns to the others, the higher first.
-- Shadow has no turn: it gets what is left when the others have no more.
local turns = { 1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 3 }
local drained = {}

local function read(level, room)
    if drained[level] or room < 1 then
        return 0
    end
    if redis.call('XLEN', KEYS[level]) == 0 then
        drained[level] = true
        return 0
    end
    local reply = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', KEYS[level], '>')
    if reply and reply.err then
        -- First use, or Redis lost its data: the group starts at the stream's beginning, so nothing is skipped.
        redis.pcall('XGROUP', 'CREATE', KEYS[level], group, '0')
        reply = redis.pcall('XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', KEYS[level], '>')
    end
    local entries = reply and reply[1] and reply[1][2] or {}
    for _, entry in ipairs(entries) do
        consider(level, entry, 1)
    end
    drained[level] = #entries < room
    return #entries
end

-- What is dropped makes room for more, within bounds: a script holds everybody up.
local turn, budget = false, count + 256
while #taken < count and budget > 0 do
    turn = turn or tonumber(redis.call('HGET', state, 'turn')) or 0
    local room, shares = count - #taken, { 0, 0, 0 }
    for _ = 1, room do
        turn = turn % #turns + 1
        shares[turns[turn]] = shares[turns[turn]] + 1
    end
    local got = 0
    for level = 1, 3 do
        got = got + read(level, shares[level])
    end
    for level = 1, 4 do
        got = got + read(level, room - got)
    end
    if got == 0 then
        break
    end
    budget = budget - got
    redis.pcall('HSET', state, 'turn', turn)
end
settle(gone, freed)
if #taken == 0 then
    redis.call('HDEL', state, 'woken')
end
return { expired, abandoned, taken }
