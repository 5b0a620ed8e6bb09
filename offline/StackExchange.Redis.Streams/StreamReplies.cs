namespace StackExchange.Redis;

/// <summary>
/// Reads the replies of the stream commands. A null reply is an empty result: a read that found nothing, or a command sent with
/// <see cref="CommandFlags.FireAndForget"/>.
/// </summary>
internal static class StreamReplies
{
    public static RedisResult[] Items(RedisResult? reply) => reply is null || reply.IsNull ? [] : (RedisResult[])reply;

    public static long Count(RedisResult? reply) => reply is null || reply.IsNull ? 0 : (long)reply;

    public static RedisValue Value(RedisResult? reply) => reply is null || reply.IsNull ? RedisValue.Null : (RedisValue)reply;

    public static StreamEntry[] Entries(RedisResult? reply) => Array.ConvertAll(Items(reply), Entry);

    public static RedisStream[] Streams(RedisResult? reply) => Array.ConvertAll(Items(reply), stream =>
    {
        var parts = (RedisResult[])stream;
        return new RedisStream((RedisKey)parts[0], Entries(parts[1]));
    });

    public static StreamAutoClaimResult AutoClaim(RedisResult? reply)
    {
        var parts = Items(reply);
        return parts.Length == 0
            ? StreamAutoClaimResult.Null
            : new((RedisValue)parts[0], Entries(parts[1]), parts.Length > 2 ? (RedisValue[])parts[2] : []);
    }

    public static StreamPendingMessageInfo[] Pending(RedisResult? reply) => Array.ConvertAll(Items(reply), message =>
    {
        var parts = (RedisResult[])message;
        return new StreamPendingMessageInfo((RedisValue)parts[0], (RedisValue)parts[1], (long)parts[2], (int)parts[3]);
    });

    /// <summary>XINFO answers with names and values in turn, and newer servers add names.</summary>
    public static StreamConsumerInfo[] Consumers(RedisResult? reply) => Array.ConvertAll(Items(reply), consumer =>
    {
        var parts = (RedisResult[])consumer;
        var (name, pending, idle) = ("", 0, 0L);
        for (var i = 0; i + 1 < parts.Length; i += 2)
        {
            switch ((string)parts[i])
            {
                case "name":
                    name = (string)parts[i + 1];
                    break;
                case "pending":
                    pending = (int)parts[i + 1];
                    break;
                case "idle":
                    idle = (long)parts[i + 1];
                    break;
            }
        }

        return new StreamConsumerInfo(name, pending, idle);
    });

    private static StreamEntry Entry(RedisResult entry)
    {
        var parts = (RedisResult[])entry;
        var id = (RedisValue)parts[0];
        var fields = Fields(parts[1]);
        return parts.Length < 4 ? new(id, fields) : new(id, fields, TimeSpan.FromMilliseconds((long)parts[2]), (int)parts[3]);
    }

    private static NameValueEntry[] Fields(RedisResult reply)
    {
        if (reply.IsNull)
        {
            return [];
        }

        var flat = (RedisValue[])reply;
        var fields = new NameValueEntry[flat.Length / 2];
        for (var i = 0; i < fields.Length; i++)
        {
            fields[i] = new(flat[2 * i], flat[(2 * i) + 1]);
        }

        return fields;
    }
}
