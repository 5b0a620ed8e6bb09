using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.DataRights;

/// <summary>Which exports may run: a reader that takes its time must not take the database's connections too.</summary>
internal sealed class ExportSlots(IOptions<DataRightsOptions> options) : IDisposable
{
    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.CreateChained(
        PartitionedRateLimiter.Create<string, string>(tenant => RateLimitPartition.GetConcurrencyLimiter(tenant, _ => Only(1))),
        PartitionedRateLimiter.Create<string, string>(
            _ => RateLimitPartition.GetConcurrencyLimiter("", _ => Only(options.Value.MaxExports))));

    /// <returns>A lease to dispose of at the export's end; not acquired where there are too many.</returns>
    public RateLimitLease Take(string tenant) => _limiter.AttemptAcquire(tenant);

    public void Dispose() => _limiter.Dispose();

    private static ConcurrencyLimiterOptions Only(int permits) => new() { PermitLimit = permits, QueueLimit = 0 };
}
