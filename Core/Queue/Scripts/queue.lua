-- What all scripts of a queue start with. KEYS are those of QueueKeys.All: the streams by priority, then these.
local state, cancelled, dead_letters = KEYS[5], KEYS[6], KEYS[7]

-- Entries over all levels.
local function depth()
    return redis.call('XLEN', KEYS[1]) + redis.call('XLEN', KEYS[2]) + redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[4])
end

-- Bytes that count. The fields of an entry stand in one order: request, id, deadline (milliseconds since 1970), kind; what lacks them
-- is foreign and has no size.
local function entry_size(fields)
    return fields[2] and #fields[2] or 0
end

-- The pairs that XINFO answers, by name.
local function by_name(pairs_in_a_row)
    local named = {}
    for i = 1, #pairs_in_a_row, 2 do
        named[pairs_in_a_row[i]] = pairs_in_a_row[i + 1]
    end
    return named
end
