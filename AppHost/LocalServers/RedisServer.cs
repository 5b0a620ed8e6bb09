namespace InferenceTemplate.AppHost.LocalServers;

/// <summary>
/// Redis as the AppHost configures its container: a password, a snapshot each minute that something changed, and no eviction.
/// </summary>
internal sealed class RedisServer(string folder, ParameterResource password)
{
    public const string Command = "redis-server";

    private readonly string _configuration = Path.Combine(folder, "redis.conf");
    private readonly string _pidFile = Path.Combine(folder, "redis.pid");

    public string Folder => folder;

    /// <exception cref="DistributedApplicationException">Redis is not installed.</exception>
    public static void Require()
    {
        if (Tool.Find(Command) is null)
        {
            throw Tool.Missing("Redis", "redis-server", "redis", "redis");
        }
    }

    public void AddArguments(IList<object> arguments, object port)
    {
        arguments.Add(_configuration);
        arguments.Add("--port");
        arguments.Add(port);
    }

    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await PidFile.ClearAsync(_pidFile, "redis-server", cancellationToken);

        // In a file that only its owner reads: arguments are for everyone to see.
        await PrivateFile.WriteAsync(
            _configuration,
            $"""
            bind 127.0.0.1
            dir {Quote(folder)}
            pidfile {Quote(_pidFile)}
            save 60 1
            maxmemory-policy noeviction
            requirepass {Quote((await password.GetValueAsync(cancellationToken))!)}

            """,
            cancellationToken);
    }

    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
