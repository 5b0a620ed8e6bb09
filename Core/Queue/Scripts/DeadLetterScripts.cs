namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>Into the dead letters and out of them, each in one step: an entry is never in both places, nor in neither.</summary>
internal static class DeadLetterScripts
{
    // ARGV: group, level, id, reason, deliveries, now (ms), most dead letters. Answers whether the entry was still there.
    private const string MoveIn = """
        local stream = KEYS[tonumber(ARGV[2])]
        local entry = redis.call('XRANGE', stream, ARGV[3], ARGV[3])[1]
        if not entry then
            return 0
        end
        redis.call('XADD', KEYS[7], 'MAXLEN', ARGV[7], '*',
            'request', entry[2][2], 'reason', ARGV[4], 'deliveries', ARGV[5], 'time', ARGV[6])
        redis.call('XACK', stream, ARGV[1], ARGV[3])
        redis.call('XDEL', stream, ARGV[3])
        settle(1, entry_size(entry[2]))
        return 1
        """;

    // ARGV: level, request, id, deadline, kind, most entries, most bytes, group, wake channel, queue's name, dead letter.
    // Answers in the numbers of EnqueueOutcome; -1 where the dead letter is gone.
    private const string MoveOut = """
        if not redis.call('XRANGE', KEYS[7], ARGV[11], ARGV[11])[1] then
            return -1
        end
        local level = tonumber(ARGV[1])
        local answer = check(level, #ARGV[2], tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8])
        if answer == 1 then
            redis.call('XDEL', KEYS[7], ARGV[11])
            add(level, ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[9], ARGV[10])
        end
        return answer
        """;

    public static RedisScript Add { get; } = new(LuaParts.Depth, LuaParts.Settle, MoveIn);

    public static RedisScript Requeue { get; } = new(LuaParts.Depth, LuaParts.Bounds, LuaParts.Add, MoveOut);
}
