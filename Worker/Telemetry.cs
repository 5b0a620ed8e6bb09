using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Numerics;

namespace InferenceTemplate.Worker;

/// <summary>The worker's spans and metrics. Durations are in seconds.</summary>
internal sealed class Telemetry
{
    public const string Name = "InferenceTemplate.Worker";

    public static readonly ActivitySource Source = new(Name);

    private readonly Histogram<double> _queueDuration;
    private readonly Histogram<double> _computeDuration;
    private readonly Histogram<int> _batchSize;
    private readonly Histogram<double> _loadDuration;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _cacheHits;
    private readonly Counter<long> _cacheMisses;
    private readonly Counter<long> _cacheEvictions;
    private readonly Counter<long> _failed;
    private readonly Counter<long> _batchingEnded;
    private readonly Gauge<int> _effectiveMaxRows;
    private readonly Gauge<int> _device;

    public Telemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _queueDuration = meter.CreateHistogram<double>("inference.queue.duration", "s", "Time from enqueueing to the start of the run.");
        _computeDuration = meter.CreateHistogram<double>("inference.compute.duration", "s", "Time of one run of a batch.");
        _batchSize = meter.CreateHistogram<int>("inference.batch.size", "{row}", "Rows in one run.");
        _loadDuration = meter.CreateHistogram<double>("inference.model.load.duration", "s", "Time to open a model and warm it up.");
        _failed = meter.CreateCounter<long>("inference.runs.failed", "{run}", "Runs that failed, by whose fault it was.");
        _batchingEnded = meter.CreateCounter<long>(
            "inference.batching.ended", "{version}",
            "Model versions whose batches came out wrong, and whose requests run one by one since.");
        _effectiveMaxRows = meter.CreateGauge<int>(
            "inference.batch.effective_max", "{row}", "Rows that are run together where enough wait, as learned.");
        _device = meter.CreateGauge<int>("inference.device.fallback", "1", "1 where a GPU is there and the CPU computes, else 0.");
        _dropped = meter.CreateCounter<long>("inference.requests.dropped", "{request}", "Requests removed without a run, by reason.");
        _cacheHits = meter.CreateCounter<long>("inference.model.cache.hits", "{lease}", "Leases of models that were open.");
        _cacheMisses = meter.CreateCounter<long>("inference.model.cache.misses", "{lease}", "Leases that had to open their model.");
        _cacheEvictions = meter.CreateCounter<long>("inference.model.cache.evictions", "{model}", "Models closed to make room for others.");
    }

    public void Queued(string model, string version, TimeSpan time) => _queueDuration.Record(time.TotalSeconds, Tags(model, version));

    public void Computed(string model, string version, TimeSpan time, int rows)
    {
        var tags = Tags(model, version);
        _batchSize.Record(rows, tags);

        // By size in powers of two: what batching is worth shows as one chart.
        tags.Add("batch.size.max", (int)BitOperations.RoundUpToPowerOf2((uint)rows));
        _computeDuration.Record(time.TotalSeconds, tags);
    }

    public void Failed(string model, string version, string fault)
    {
        var tags = Tags(model, version);
        tags.Add("fault", fault);
        _failed.Add(1, tags);
    }

    public void BatchingEnded(string model, string version) => _batchingEnded.Add(1, Tags(model, version));

    public void EffectiveMaxRows(string model, string version, int rows) => _effectiveMaxRows.Record(rows, Tags(model, version));

    public void Device(string name, string provider, bool fellBack) =>
        _device.Record(fellBack ? 1 : 0, new TagList { { "device", name }, { "provider", provider } });

    public void Loaded(string model, string version, TimeSpan time) => _loadDuration.Record(time.TotalSeconds, Tags(model, version));

    public void CacheHit(string model, string version) => _cacheHits.Add(1, Tags(model, version));

    /// <summary>The first lease of a version. Its hits start at zero with it: a series that begins at one hides its first increase.</summary>
    public void CacheMissed(string model, string version)
    {
        var tags = Tags(model, version);
        _cacheMisses.Add(1, tags);
        _cacheHits.Add(0, tags);
    }

    public void CacheEvicted(string model, string version) => _cacheEvictions.Add(1, Tags(model, version));

    public void Dropped(string model, string version, string reason, int count)
    {
        var tags = Tags(model, version);
        tags.Add("reason", reason);
        _dropped.Add(count, tags);
    }

    private static TagList Tags(string model, string version) => new() { { "model", model }, { "version", version } };
}
