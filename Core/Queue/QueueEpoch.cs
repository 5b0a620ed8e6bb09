using System.Globalization;
using InferenceTemplate.Core.Queue.Scripts;
using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>A mark in Redis by which it shows that its data were lost: what was queued before the mark is there no more.</summary>
public sealed class QueueEpoch(IConnectionMultiplexer redis)
{
    /// <summary>The moment of the mark; a new mark is set where there is none.</summary>
    /// <param name="clock">
    /// That which the moment will be compared with. It is read only once the mark is known to be gone: what is queued later is there.
    /// </param>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<DateTimeOffset> SinceAsync(Func<Task<DateTimeOffset>> clock)
    {
        if (await MarkAsync() is { } mark)
        {
            return mark;
        }

        var now = await clock();
        return Moment(await OnRedisAsync(async database =>
            (string)(await QueueScripts.Epoch.EvaluateAsync(database, [QueueKeys.Epoch], now.UtcTicks))!));
    }

    /// <summary>The moment of the mark; null where there is none. Sets none: whoever reads it may have another clock.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<DateTimeOffset?> MarkAsync() =>
        (string?)await OnRedisAsync(database => database.StringGetAsync(QueueKeys.Epoch)) is { } ticks ? Moment(ticks) : null;

    private static DateTimeOffset Moment(string ticks) => new(long.Parse(ticks, CultureInfo.InvariantCulture), TimeSpan.Zero);

    private async Task<T> OnRedisAsync<T>(Func<IDatabase, Task<T>> action)
    {
        try
        {
            return await action(redis.GetDatabase());
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }
}
