using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Traffic;

/// <summary>The latest traffic decisions of all models, read at most once a second; what was known while Postgres is away.</summary>
internal sealed class RecentDecisions(TrafficPolicyStore policies, TimeProvider time)
{
    private const int Count = 10;

    private static readonly TimeSpan CacheDuration = TimeSpan.FromSeconds(1);

    private volatile IReadOnlyList<TrafficDecision> _known = [];
    private long _readAt = long.MinValue;

    public async Task<IReadOnlyList<TrafficDecision>> AllAsync(CancellationToken cancellationToken)
    {
        var readAt = Interlocked.Read(ref _readAt);
        if (readAt == long.MinValue || time.GetElapsedTime(readAt) >= CacheDuration)
        {
            Interlocked.Exchange(ref _readAt, time.GetTimestamp());
            try
            {
                _known = await policies.DecisionsAsync(null, Count, cancellationToken);
            }
            catch (Exception exception) when (Outages.IsDatabaseAway(exception))
            {
                // The overview tells of Redis and the fleet; it goes on without news of these.
            }
        }

        return _known;
    }
}
