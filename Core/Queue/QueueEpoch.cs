using System.Globalization;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>A mark in Redis by which it shows that its data were lost: what was queued before the mark is there no more.</summary>
public sealed class QueueEpoch(IConnectionMultiplexer redis)
{
    private const string MarkScript = """
        redis.call('SET', KEYS[1], ARGV[1], 'NX')
        return redis.call('GET', KEYS[1])
        """;

    /// <summary>The moment of the mark; a new mark is set where there is none.</summary>
    /// <param name="now">By the clock that the moment will be compared with.</param>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<DateTimeOffset> SinceAsync(DateTimeOffset now)
    {
        try
        {
            var ticks = (string)(await redis.GetDatabase().ScriptEvaluateAsync(MarkScript, [QueueKeys.Epoch], [now.UtcTicks]))!;
            return new DateTimeOffset(long.Parse(ticks, CultureInfo.InvariantCulture), TimeSpan.Zero);
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }
}
