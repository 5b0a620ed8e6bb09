namespace InferenceTemplate.Core.Objectives;

/// <summary>
/// The numbers at which alerts fire, and what the service promises, as <see cref="ServiceObjectives"/> says. Shares are between 0 and 1.
/// After a change run <c>scripts/chart.sh</c>.
/// </summary>
public sealed record Thresholds
{
    /// <summary>What <c>deploy/monitoring</c> and the chart are written with.</summary>
    public static Thresholds Default { get; } = new();

    public double ErrorRate { get; init; } = 0.05;

    /// <summary>The 95th percentile, in seconds. A bound of the histogram's buckets, or the percentile would be interpolated.</summary>
    public double LatencySeconds { get; init; } = ServiceObjectives.FastSeconds;

    /// <summary>Requests that wait or run, of all models.</summary>
    public int QueueDepth { get; init; } = 1000;

    /// <summary>Of one version, nine tenths of what <c>Queue:MaxDepth</c> is by default: no queue becomes longer than that.</summary>
    public int QueueNearlyFull { get; init; } = 900;

    /// <summary>A GPU that computes less than this is idle, where <see cref="WaitingForGpu"/> requests or more wait.</summary>
    public double GpuUtilization { get; init; } = 0.2;

    public int WaitingForGpu { get; init; } = 100;

    /// <summary>
    /// NVIDIA's XID codes that say the card is broken: uncorrected memory errors, failed page retirement, off the bus, contained and
    /// uncontained errors, a dead system processor. Others are faults of the program.
    /// </summary>
    public IReadOnlyList<int> GpuFaults { get; init; } = [48, 64, 79, 94, 95, 119];

    public double DiskFree { get; init; } = 0.1;

    public double VolumeUsed { get; init; } = 0.9;

    /// <summary>Of a container's limit.</summary>
    public double Memory { get; init; } = 0.9;

    /// <summary>Share of a container's scheduling periods in which it had to wait for its processor quota.</summary>
    public double Throttled { get; init; } = 0.25;

    /// <summary>Of the limit of the database's container.</summary>
    public double DatabaseCpu { get; init; } = 0.8;

    public int ReplicationLagSeconds { get; init; } = 30;

    public double CacheHitRate { get; init; } = 0.6;

    /// <summary>Below so many lookups a second a hit rate says nothing.</summary>
    public int CacheLookups { get; init; } = 1;

    /// <summary>Requests that do not fail by our fault, over 30 days.</summary>
    public double Availability { get; init; } = ServiceObjectives.Availability;

    /// <summary>Requests that are answered within <see cref="LatencySeconds"/>, over 30 days.</summary>
    public double Fast { get; init; } = ServiceObjectives.Fast;
}
