namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>
/// One read over all priorities. What was returned comes first, then what dead workers left, then new work by weight. Work
/// that nobody waits for is removed on the way and never sent to a worker.
/// </summary>
internal static class TakeScript
{
    // ARGV: group, consumer, how many, now (ms), whether to look for lost work (1), visibility time (ms), first backoff (ms),
    // longest backoff (ms), most deliveries, idle time (ms) after which a consumer without work is forgotten.
    private const string State = """
        local group, consumer, count, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
        local visibility, backoff, longest, most = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
        local taken, expired, cancelled, freed, gone = {}, 0, 0, 0, 0
        local marks = redis.call('EXISTS', KEYS[6]) == 1

        local function drop(level, entry)
            redis.call('XACK', KEYS[level], group, entry[1])
            if redis.call('XDEL', KEYS[level], entry[1]) == 1 then
                gone, freed = gone + 1, freed + entry_size(entry[2])
            end
        end

        -- An entry over its deliveries goes to the consumer in any case: it makes the dead letter.
        local function consider(level, entry, deliveries)
            local fields = entry[2]
            if deliveries <= most and fields[8] then
                if fields[8] ~= '1' and tonumber(fields[6]) <= now then
                    expired = expired + 1
                    return drop(level, entry)
                end
                if marks and redis.call('ZREM', KEYS[6], fields[4]) == 1 then
                    cancelled = cancelled + 1
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
        """;

    private const string Returned = """
        if redis.call('HEXISTS', KEYS[5], 'returned') == 1 then
            for level = 1, 4 do
                if #taken < count then
                    local found = redis.pcall('XPENDING', KEYS[level], group, '-', '+', count - #taken, 'returned')
                    for _, pending in ipairs(found) do
                        claim(level, pending)
                    end
                end
            end
            if #taken < count then
                redis.call('HDEL', KEYS[5], 'returned')
            end
        end
        """;

    // A reply that is an error has no elements: a stream without a group, as after a flush, has nothing pending.
    private const string Lost = """
        local function is_due(pending)
            local wait = visibility
            if pending[4] > 1 then
                wait = wait + math.min(longest, backoff * 2 ^ (pending[4] - 2))
            end
            return pending[3] >= wait
        end
        if ARGV[5] == '1' then
            for level = 1, 4 do
                local found = redis.pcall('XPENDING', KEYS[level], group, 'IDLE', visibility, '-', '+', 256)
                for _, pending in ipairs(found) do
                    if #taken < count and is_due(pending) then
                        claim(level, pending)
                    end
                end
                local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[level], group)
                for _, info in ipairs(consumers) do
                    local about = {}
                    for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
                    if about['pending'] == 0 and about['idle'] > tonumber(ARGV[10]) and about['name'] ~= consumer then
                        redis.call('XGROUP', 'DELCONSUMER', KEYS[level], group, about['name'])
                    end
                end
            end
        end
        """;

    // Of 21 turns high has 16, normal 4 and low 1; a level without work leaves its turns to the others, the higher first.
    // Shadow has no turn: it gets what is left when the others have no more.
    private const string New = """
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
            turn = turn or tonumber(redis.call('HGET', KEYS[5], 'turn')) or 0
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
            redis.pcall('HSET', KEYS[5], 'turn', turn)
        end
        settle(gone, freed)
        if #taken == 0 then
            redis.call('HDEL', KEYS[5], 'woken')
        end
        return { expired, cancelled, taken }
        """;

    public static RedisScript Script { get; } = new(LuaParts.Depth, LuaParts.Settle, State, Returned, Lost, New);
}
