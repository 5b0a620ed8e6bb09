namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>
/// What a worker does with entries that it holds. Each asks first whether it still holds them: one that was paused for longer
/// than the visibility time may have lost them to another.
/// </summary>
internal static class OwnershipScripts
{
    // ARGV begins with group and consumer. An entry that nobody holds (Redis lost its data) answers false, not another's name.
    private const string Owner = """
        local function owner(stream, id)
            local pending = redis.pcall('XPENDING', stream, ARGV[1], id, id, 1)
            return pending[1] and pending[1][2]
        end
        """;

    // ARGV: group, consumer; then level and id of each entry. Answers the places (from 1) of entries that another has.
    private const string KeepEntries = """
        local lost = {}
        for i = 3, #ARGV, 2 do
            local stream, id = KEYS[tonumber(ARGV[i])], ARGV[i + 1]
            local holder = owner(stream, id)
            if holder == ARGV[2] then
                redis.call('XCLAIM', stream, ARGV[1], ARGV[2], 0, id, 'JUSTID')
            elseif holder then
                lost[#lost + 1] = (i - 1) / 2
            end
        end
        return lost
        """;

    // ARGV: group, consumer, new owner, its idle time (ms), wake channel, queue's name; then level, id and deliveries of each entry.
    private const string NackEntries = """
        for i = 7, #ARGV, 3 do
            local stream, id = KEYS[tonumber(ARGV[i])], ARGV[i + 1]
            if owner(stream, id) == ARGV[2] then
                redis.call('XCLAIM', stream, ARGV[1], ARGV[3], 0, id, 'IDLE', ARGV[4], 'RETRYCOUNT', ARGV[i + 2], 'JUSTID')
            end
        end
        if ARGV[3] == 'returned' then
            redis.call('HSET', KEYS[5], 'returned', 1)
            redis.call('PUBLISH', ARGV[5], ARGV[6])
        end
        return 1
        """;

    public static RedisScript Keep { get; } = new(Owner, KeepEntries);

    public static RedisScript Nack { get; } = new(Owner, NackEntries);
}
