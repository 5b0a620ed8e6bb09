using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace InferenceTemplate.Core.Jobs;

/// <summary>Metrics of durable jobs, the same names in Api and Worker.</summary>
public sealed class JobTelemetry
{
    public const string Name = "InferenceTemplate.Jobs";

    private readonly Histogram<int> _commitSize;
    private readonly Counter<long> _finished;
    private readonly Counter<long> _requeued;
    private ImmutableArray<PendingCount> _pending = [];

    public JobTelemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _commitSize = meter.CreateHistogram<int>("inference.jobs.commit.size", "{job}", "Jobs accepted in one transaction.");
        _finished = meter.CreateCounter<long>("inference.jobs.finished", "{job}", "Jobs that reached a terminal state, by outcome.");
        _requeued = meter.CreateCounter<long>("inference.jobs.requeued", "{job}", "Jobs that the reconciler put into the queue.");
        meter.CreateObservableGauge("inference.jobs.pending", () => _pending.Select(Measure), "{job}", "Jobs that are queued or running.");
    }

    public void Committed(int jobs) => _commitSize.Record(jobs);

    public void Finished(string model, string version, JobState outcome) =>
        _finished.Add(1, new TagList { { "model", model }, { "version", version }, { "outcome", outcome.Name() } });

    public void Requeued(int jobs) => _requeued.Add(jobs);

    /// <summary>Only the replica that reconciles counts; on the others there is nothing to add up twice.</summary>
    public void Pending(ImmutableArray<PendingCount> pending) => _pending = pending;

    private static Measurement<long> Measure(PendingCount count) => new(
        count.Jobs, new TagList { { "model", count.Model }, { "version", count.Version }, { "state", count.State } });
}

public sealed record PendingCount(string Model, string Version, string State, long Jobs);
