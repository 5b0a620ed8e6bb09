using InferenceTemplate.Core.Queue.Scripts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// Looks once, as soon as Redis is there, at what of its settings the queue relies on: that it evicts nothing. What it keeps are
/// requests and accounts, and no cache. Nothing is asked of its pub/sub limits: messages are bounded, and a lost one is noticed.
/// </summary>
public sealed partial class RedisSettings(
    IConnectionMultiplexer redis, TimeProvider time, ILogger<RedisSettings> logger) : BackgroundService
{
    private const string Field = "maxmemory_policy:";
    private const string Right = "noeviction";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>The policy of the server by which it evicts keys where it is full and that is not <c>noeviction</c>; else null.</summary>
    /// <exception cref="RedisException">Redis could not be reached or refused.</exception>
    public static async Task<string?> EvictionAsync(IDatabase database)
    {
        var info = (string?)await QueueScripts.Memory.EvaluateAsync(database, []) ?? "";
        var line = info.Split('\n').FirstOrDefault(l => l.StartsWith(Field, StringComparison.Ordinal));
        return line?[Field.Length..].Trim() is { } policy && policy != Right ? policy : null;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!await TryAsync())
            {
                await Task.Delay(Interval, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops before Redis was there.
        }
    }

    private async Task<bool> TryAsync()
    {
        try
        {
            if (await EvictionAsync(redis.GetDatabase()) is { } policy)
            {
                LogEvicts(policy);
            }

            return true;
        }
        catch (RedisServerException exception)
        {
            LogUnknown(exception.Message);
            return true;
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            return false;
        }
    }

    [LoggerMessage(
        LogLevel.Error,
        "Redis evicts keys when it is full (maxmemory-policy {Policy}): requests, limits and answers would vanish without a word. Set it to noeviction")]
    private partial void LogEvicts(string policy);

    [LoggerMessage(
        LogLevel.Warning, "Redis does not tell whether it evicts keys when it is full (maxmemory-policy), which must be noeviction: {Reason}")]
    private partial void LogUnknown(string reason);
}
