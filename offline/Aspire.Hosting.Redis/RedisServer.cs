using System.Globalization;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Running;

namespace Aspire.Hosting.Redis;

/// <summary>How often Redis writes its data.</summary>
internal sealed record RedisPersistence(TimeSpan Interval, long KeysChanged) : IResourceAnnotation;

/// <summary>The machine's own Redis, in the data directory. The password is in a file that only its owner reads, not in the arguments.</summary>
internal sealed class RedisServer(RedisResource redis)
{
    public static void Check() => Binary();

    public async Task<ProcessSpec> PrepareAsync(LocalServerContext context, CancellationToken cancellationToken)
    {
        var configuration = new StringBuilder()
            .AppendLine("bind 127.0.0.1")
            .AppendLine(CultureInfo.InvariantCulture, $"port {context.Port}")
            .AppendLine(CultureInfo.InvariantCulture, $"dir {Quoted(context.Directory)}")
            .AppendLine("appendonly no")
            .AppendLine("maxmemory-policy noeviction")
            .AppendLine(redis.TryGetLastAnnotation<RedisPersistence>(out var save)
                ? string.Create(CultureInfo.InvariantCulture, $"save {save.Interval.TotalSeconds} {save.KeysChanged}")
                : "save \"\"");
        if (redis.PasswordParameter is not null)
        {
            var password = await redis.PasswordParameter.GetValueAsync(cancellationToken);
            configuration.AppendLine(CultureInfo.InvariantCulture, $"requirepass {Quoted(password!)}");
        }

        var path = Path.Combine(context.Directory, "redis.conf");
        PrivateFile.Write(path, configuration.ToString());
        return new(Binary(), [path], context.Directory);
    }

    private static string Binary() => LocalBinary.Require("redis-server", "redis-server", "Running Redis without a container");

    private static string Quoted(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
