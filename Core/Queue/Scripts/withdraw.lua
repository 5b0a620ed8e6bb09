-- Takes out of the queue what no worker holds: calls, and where everything is asked for jobs too. Looks from an entry of a level on, at as
-- many bytes as it may. With everything gone it removes every key of the queue. Answers where to go on (level 0: nowhere), how many entries
-- it took, and the requests of calls.
local group, visibility, longest, everything, room, level, from = unpack(ARGV)
visibility, room, level, everything = tonumber(visibility), tonumber(room), tonumber(level), everything == '1'
local taken, freed, calls = 0, 0, {}

-- No call is older than the longest timeout, by Redis' own clock, which also gave the entries their ids: what is older need not be read.
local first = '-'
if not everything then
    local clock = redis.call('TIME')
    first = string.format('%.0f', math.max(0, clock[1] * 1000 + math.floor(clock[2] / 1000) - tonumber(longest)))
end

-- By a worker that still says so; what was returned, or is to be tried again, has an owner who is none.
local function is_held(stream, id)
    local pending = redis.pcall('XPENDING', stream, group, id, id, 1)[1]
    return pending and pending[2] ~= 'returned' and pending[2] ~= 'retry' and pending[3] < visibility
end

local function take(stream, entry, is_job)
    redis.pcall('XACK', stream, group, entry[1])
    redis.call('XDEL', stream, entry[1])
    taken, freed = taken + 1, freed + entry_size(entry[2])
    if not is_job and entry[2][2] then
        calls[#calls + 1] = entry[2][2]
    end
end

from = from ~= '' and from or first
while level <= 4 and room > 0 do
    local page = redis.call('XRANGE', KEYS[level], from, '+', 'COUNT', 8)
    for _, entry in ipairs(page) do
        local is_job = entry[2][8] == '1'
        from, room = '(' .. entry[1], room - entry_size(entry[2])
        if (everything or not is_job) and not is_held(KEYS[level], entry[1]) then
            take(KEYS[level], entry, is_job)
        end
    end
    if #page < 8 then
        level, from = level + 1, first
    end
end
settle(taken, freed)
if level <= 4 then
    return { level, from, taken, calls }
end
if everything and depth() == 0 then
    redis.call('UNLINK', unpack(KEYS))
end
return { 0, '', taken, calls }
