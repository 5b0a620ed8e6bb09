using InferenceTemplate.Core.Fleet;

namespace InferenceTemplate.Api.Traffic;

/// <summary>How one request ended, as far as the choice of versions goes.</summary>
/// <param name="Failed">The version's fault: it ended in 504, could not be run, or made the model fail.</param>
/// <param name="Compute">Time of the run; null where none took place.</param>
public readonly record struct RequestOutcome(bool Failed, TimeSpan? Compute, TimeSpan Total, decimal Cost);

/// <summary>What became of the requests of one version, over some time.</summary>
public sealed class VersionOutcomes
{
    /// <summary>Costs are counted in whole units of this part of the currency, which Redis can add exactly.</summary>
    internal const decimal CostUnit = 0.000_000_000_001m;

    public long Requests { get; internal set; }

    public long Errors { get; internal set; }

    /// <summary>Requests that a run was measured for.</summary>
    public long Computed { get; internal set; }

    public decimal Cost { get; internal set; }

    public double ErrorRate => Requests == 0 ? 0 : (double)Errors / Requests;

    /// <summary>Seconds; null without requests.</summary>
    public double? MeanCompute => Computed == 0 ? null : ComputeMicroseconds / 1e6 / Computed;

    /// <summary>Seconds from arrival to answer; null without requests.</summary>
    public double? MeanTotal => Requests == 0 ? null : TotalMicroseconds / 1e6 / Requests;

    public LatencyBuckets Compute { get; } = LatencyBuckets.Empty();

    public LatencyBuckets Total { get; } = LatencyBuckets.Empty();

    internal long ComputeMicroseconds { get; set; }

    internal long TotalMicroseconds { get; set; }

    public void Add(in RequestOutcome outcome)
    {
        Requests++;
        Errors += outcome.Failed ? 1 : 0;
        Cost += outcome.Cost;
        TotalMicroseconds += (long)outcome.Total.TotalMicroseconds;
        Total.Add(outcome.Total.TotalSeconds);
        if (outcome.Compute is { } compute)
        {
            Computed++;
            ComputeMicroseconds += (long)compute.TotalMicroseconds;
            Compute.Add(compute.TotalSeconds);
        }
    }
}
