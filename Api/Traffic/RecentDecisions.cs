using InferenceTemplate.Core;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Traffic;

/// <summary>The latest traffic decisions of all models, read at most once a second; what was known while Postgres is away.</summary>
internal sealed class RecentDecisions(TrafficPolicyStore policies, TimeProvider time)
{
    private const int Count = 10;

    private static readonly TimeSpan WaitTimeout = TimeSpan.FromSeconds(2);

    private readonly Refreshing<IReadOnlyList<DecisionStatus>> _decisions = new(
        TimeSpan.FromSeconds(1), () => policies.DecisionsAsync(null, Count, CancellationToken.None), time);

    public async Task<IReadOnlyList<DecisionStatus>> AllAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _decisions.GetAsync(cancellationToken, WaitTimeout);
        }
        catch (Exception exception) when (Outages.IsDatabaseAway(exception))
        {
            // The overview tells of Redis and the fleet; it goes on without news of these.
            return [];
        }
    }
}
