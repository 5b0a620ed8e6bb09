namespace InferenceTemplate.Core.Queue.Scripts;

/// <summary>Acknowledges and deletes entries and accounts for their bytes, together. Answers how many there were.</summary>
internal static class RemoveScript
{
    // ARGV: group; then level, id and bytes of each entry. One that is gone already (a flush, another worker) is not counted twice.
    private const string Remove = """
        local gone, freed, done = 0, 0, { {}, {}, {}, {} }
        for i = 2, #ARGV, 3 do
            local level = tonumber(ARGV[i])
            table.insert(done[level], ARGV[i + 1])
            if redis.call('XDEL', KEYS[level], ARGV[i + 1]) == 1 then
                gone, freed = gone + 1, freed + tonumber(ARGV[i + 2])
            end
        end
        for level, ids in ipairs(done) do
            if #ids > 0 then
                redis.call('XACK', KEYS[level], ARGV[1], unpack(ids))
            end
        end
        settle(gone, freed)
        return gone
        """;

    public static RedisScript Script { get; } = new(LuaParts.Depth, LuaParts.Settle, Remove);
}
