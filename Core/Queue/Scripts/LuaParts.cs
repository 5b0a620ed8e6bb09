namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>What several scripts need. KEYS are those of <see cref="QueueKeys.All"/>.</summary>
internal static class LuaParts
{
    /// <summary>
    /// <c>depth()</c>: entries over all levels. <c>entry_size(fields)</c>: bytes that count. Fields stand in one order: request, id,
    /// deadline (milliseconds since 1970), kind; what lacks them is foreign and has no size.
    /// </summary>
    public const string Depth = """
        local function depth()
            return redis.call('XLEN', KEYS[1]) + redis.call('XLEN', KEYS[2]) + redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[4])
        end
        local function entry_size(fields)
            return fields[2] and #fields[2] or 0
        end
        """;

    /// <summary>
    /// <c>settle(entries, bytes)</c>: accounts for entries that were removed. The count of bytes is put right whenever the
    /// queue is empty, so that an error in it cannot last. Accounts must not stop work: a server without memory refuses them, and
    /// the work itself is what frees some.
    /// </summary>
    public const string Settle = """
        local function settle(entries, bytes)
            if entries > 0 then
                redis.pcall('HINCRBY', KEYS[5], 'removed', entries)
                local left = redis.pcall('HINCRBY', KEYS[5], 'bytes', 0 - bytes)
                if type(left) ~= 'number' or left < 0 or depth() == 0 then
                    redis.pcall('HSET', KEYS[5], 'bytes', 0)
                end
            end
        end
        """;

    /// <summary>
    /// <c>check(level, size, max_depth, max_bytes)</c>: 1 where there is room, else why not, in the numbers of
    /// <see cref="EnqueueOutcome"/>. It sets <c>waiting</c>, <c>bytes</c>, <c>removed</c> and <c>shed</c>. Shadow work gets half of each
    /// bound, and what no worker has taken of it makes way for other work, oldest first.
    /// </summary>
    public const string Bounds = """
        local waiting, bytes, removed, shed, woken = 0, 0, 0, 0, false
        local function check(level, size, max_depth, max_bytes, group)
            local state = redis.call('HMGET', KEYS[5], 'bytes', 'removed', 'woken')
            waiting, bytes, removed, woken = depth(), tonumber(state[1]) or 0, tonumber(state[2]) or 0, state[3]
            if waiting == 0 and bytes ~= 0 then
                bytes = 0
                redis.call('HSET', KEYS[5], 'bytes', 0)
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
                local about = {}
                for i = 1, #info, 2 do about[info[i]] = info[i + 1] end
                if about['name'] == group then taken = about['last-delivered-id'] end
            end
            while answer ~= 1 do
                local oldest = redis.call('XRANGE', KEYS[4], '(' .. taken, '+', 'COUNT', 1)[1]
                if not oldest then break end
                redis.call('XDEL', KEYS[4], oldest[1])
                local freed = entry_size(oldest[2])
                waiting, bytes, shed = waiting - 1, math.max(0, bytes - freed), shed + 1
                redis.call('HSET', KEYS[5], 'bytes', bytes)
                answer = decision()
            end
            return answer
        end
        """;

    /// <summary>
    /// <c>add(...)</c>: the entry, its bytes, the wake-up. Every worker hears a wake-up, so there is only one until somebody has
    /// found nothing again (<see cref="TakeScript"/>): who finds something comes back by itself.
    /// </summary>
    public const string Add = """
        local function add(level, request, id, deadline, kind, channel, name)
            redis.call('XADD', KEYS[level], '*', 'request', request, 'id', id, 'deadline', deadline, 'kind', kind)
            waiting = waiting + 1
            bytes = redis.call('HINCRBY', KEYS[5], 'bytes', #request)
            if not woken then
                redis.call('HSET', KEYS[5], 'woken', 1)
                redis.call('PUBLISH', channel, name)
            end
        end
        """;
}
