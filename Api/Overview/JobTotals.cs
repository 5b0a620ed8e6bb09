using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Api.Overview;

/// <summary>How many jobs are not finished, for whoever watches: counted at most once in five seconds, since there may be many.</summary>
internal sealed class JobTotals(NpgsqlDataSource dataSource, IOptions<JobOptions> options, TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    // The overview is for outages too: it does not wait for a Postgres that hangs.
    private static readonly TimeSpan CountTimeout = TimeSpan.FromSeconds(1);

    private readonly Refreshing<IReadOnlyList<PendingCount>> _counts = new(
        Interval, async () => await new JobRepairs(dataSource, options).CountPendingAsync(CancellationToken.None), time);

    /// <summary>Of the models that a caller may use; null where Postgres could not tell.</summary>
    public async Task<long?> PendingAsync(ClaimsPrincipal caller, CancellationToken cancellationToken)
    {
        try
        {
            var counts = await _counts.GetAsync(cancellationToken).AsTask().WaitAsync(CountTimeout, time, cancellationToken);
            return counts.Where(count => caller.MayUse(count.Model)).Sum(count => count.Jobs);
        }
        catch (Exception exception) when (exception is TimeoutException || Outages.IsOfDatabase(exception))
        {
            return null;
        }
    }
}
