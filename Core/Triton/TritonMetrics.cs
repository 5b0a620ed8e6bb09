using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Core.Triton;

public sealed class TritonOptions
{
    public const string Section = "Metrics";

    /// <summary>Whether metrics appear under Triton's names too. Default false.</summary>
    public bool TritonNames { get; set; }
}

/// <summary>
/// The metrics of the Triton inference server (its guide, metrics.md) that this platform has, under their names and
/// labels, so that dashboards and scaling rules made for it work.
/// </summary>
/// <remarks>
/// They are up-down counters though they only go up: Prometheus exporters append <c>_total</c> to the name of a counter, and
/// Triton's names lack it.
/// </remarks>
public sealed class TritonMetrics
{
    public const string MeterName = "InferenceTemplate.Triton";

    private readonly bool _on;
    private readonly UpDownCounter<long> _success;
    private readonly UpDownCounter<long> _failure;
    private readonly UpDownCounter<long> _pending;
    private readonly UpDownCounter<long> _requestDuration;
    private readonly UpDownCounter<long> _queueDuration;
    private readonly UpDownCounter<long> _computeDuration;
    private readonly UpDownCounter<long> _count;
    private readonly UpDownCounter<long> _executions;
    private readonly UpDownCounter<long> _hits;
    private readonly UpDownCounter<long> _misses;

    public TritonMetrics(IMeterFactory meters, IOptions<TritonOptions> options)
    {
        _on = options.Value.TritonNames;
        var meter = meters.Create(MeterName);
        _success = meter.CreateUpDownCounter<long>("nv_inference_request_success", null, "Successful requests.");
        _failure = meter.CreateUpDownCounter<long>("nv_inference_request_failure", null, "Failed requests, by reason.");
        _pending = meter.CreateUpDownCounter<long>("nv_inference_pending_request_count", null, "Requests waiting or running.");
        _requestDuration = meter.CreateUpDownCounter<long>("nv_inference_request_duration_us", null, "Sum of the time of requests.");
        _queueDuration = meter.CreateUpDownCounter<long>("nv_inference_queue_duration_us", null, "Sum of the time requests waited.");
        _computeDuration = meter.CreateUpDownCounter<long>(
            "nv_inference_compute_infer_duration_us", null, "Sum of the time of the runs that requests were in.");
        _count = meter.CreateUpDownCounter<long>("nv_inference_count", null, "Inferences: rows.");
        _executions = meter.CreateUpDownCounter<long>("nv_inference_exec_count", null, "Runs.");
        _hits = meter.CreateUpDownCounter<long>("nv_cache_num_hits_per_model", null, "Answers from the response cache.");
        _misses = meter.CreateUpDownCounter<long>("nv_cache_num_misses_per_model", null, "Requests not found in the response cache.");
    }

    /// <param name="reason">Null for a success; else <c>REJECTED</c>, <c>CANCELED</c>, <c>BACKEND</c> or <c>OTHER</c>.</param>
    public void Answered(string model, string version, string? reason, TimeSpan total, TimeSpan queue, TimeSpan compute)
    {
        if (!_on)
        {
            return;
        }

        var tags = Tags(model, version);
        if (reason is not null)
        {
            _failure.Add(1, new TagList { { "model", model }, { "version", version }, { "reason", reason } });
            return;
        }

        _success.Add(1, tags);
        _requestDuration.Add((long)total.TotalMicroseconds, tags);
        _queueDuration.Add((long)queue.TotalMicroseconds, tags);
        _computeDuration.Add((long)compute.TotalMicroseconds, tags);
    }

    /// <param name="change">1 when a request begins to wait, -1 when it is answered.</param>
    public void Pending(string model, string version, int change) => Add(_pending, change, model, version);

    public void Ran(string model, string version, int rows)
    {
        Add(_executions, 1, model, version);
        Add(_count, rows, model, version);
    }

    public void Cached(string model, string version, bool hit) => Add(hit ? _hits : _misses, 1, model, version);

    private void Add(UpDownCounter<long> counter, long value, string model, string version)
    {
        if (_on)
        {
            counter.Add(value, Tags(model, version));
        }
    }

    private static TagList Tags(string model, string version) => new() { { "model", model }, { "version", version } };
}
