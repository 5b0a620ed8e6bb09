using System.Diagnostics;
using System.Diagnostics.Metrics;
using InferenceTemplate.Api.Direct;
using InferenceTemplate.Api.Drift;

namespace InferenceTemplate.Api;

/// <summary>The Api's metrics. Durations are in seconds.</summary>
internal sealed class Telemetry
{
    public const string Name = "InferenceTemplate.Api";

    private readonly Histogram<double> _requestDuration;
    private readonly Counter<long> _predictionsShed;
    private readonly Counter<double> _cost;
    private readonly Counter<long> _cacheHits;
    private readonly Counter<long> _cacheMisses;
    private readonly Counter<long> _rollbacks;
    private readonly Counter<long> _shadows;
    private readonly Counter<long> _comparisonsShed;
    private readonly Counter<long> _dropped;
    private readonly Counter<long> _errors;
    private readonly Counter<long> _direct;
    private readonly Counter<long> _driftDropped;
    private readonly Counter<long> _payloadsShed;

    public Telemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _requestDuration = meter.CreateHistogram<double>(
            "inference.request.duration", "s", "Time of an inference request, from its arrival to its answer.");
        _predictionsShed = meter.CreateCounter<long>(
            "inference.predictions.shed", "{prediction}", "Prediction records not kept because Postgres could not keep up.");
        _cost = meter.CreateCounter<double>("inference.cost", null, "Price of the device's time, in the currency that a tag names.");
        _cacheHits = meter.CreateCounter<long>("inference.cache.hits", "{request}", "Requests answered from the response cache.");
        _cacheMisses = meter.CreateCounter<long>("inference.cache.misses", "{request}", "Requests of cached models that had to run.");
        _rollbacks = meter.CreateCounter<long>("inference.traffic.rollbacks", "{rollback}", "Canaries rolled back by their rule.");
        _shadows = meter.CreateCounter<long>("inference.shadow.requests", "{request}", "Mirrored requests, by what became of them.");
        _comparisonsShed = meter.CreateCounter<long>(
            "inference.shadow.comparisons.shed", "{comparison}", "Comparisons not kept because Postgres could not keep up.");
        _dropped = meter.CreateCounter<long>("inference.requests.dropped", "{request}", "Requests removed without a run, by reason.");
        _direct = meter.CreateCounter<long>("inference.direct.calls", "{call}", "Tries of calls by direct connections, by how they ended.");
        _errors = meter.CreateCounter<long>("inference.errors", "{error}", "Inference requests that brought no result, by kind.");
        _payloadsShed = meter.CreateCounter<long>(
            "inference.payloads.shed", "{payload}", "Payloads not kept because Postgres could not keep up.");
        _driftDropped = meter.CreateCounter<long>(
            "inference.drift.dropped", "{request}", "Sampled requests that drift is not computed of, for lack of room or of Postgres.");
        meter.CreateObservableGauge(
            "inference.drift.tensors", () => Drift.Select(d => new Measurement<int>(d.Drifted, Tags(d.Model, d.Version))), "{tensor}",
            "Tensors of a model's stable version that have drifted from its baseline.");
        meter.CreateObservableGauge(
            "inference.drift.psi", Indexes, null, "The largest population stability index of a version's inputs or outputs.");
    }

    /// <summary>What was last seen of versions that are watched for drift.</summary>
    public IReadOnlyList<DriftMeasure> Drift { get; set; } = [];

    public void DriftDropped(string model, string version, int requests) => _driftDropped.Add(requests, Tags(model, version));

    public void Answered(string model, string version, int status, TimeSpan time) => _requestDuration.Record(
        time.TotalSeconds,
        new TagList { { "model", model }, { "version", version }, { "http.response.status_code", status } });

    /// <param name="kind">One of <see cref="Inference.ErrorKinds"/>; null for no error.</param>
    public void Failed(string model, string version, string? kind)
    {
        if (kind is not null)
        {
            _errors.Add(1, new TagList { { "model", model }, { "version", version }, { "error.type", kind } });
        }
    }

    public void Direct(DirectEnd end) => _direct.Add(1, new KeyValuePair<string, object?>("outcome", end switch
    {
        { Reply: not null } => "answered",
        { Refusal: not null } => "refused",
        { Left: not null } => "returned",
        { Failure: not null } => "failed",
        _ => "lost",
    }));

    /// <summary>Shadow requests that made way for another.</summary>
    public void DroppedShadow(string model, string version, int count) =>
        _dropped.Add(count, new TagList { { "model", model }, { "version", version }, { "reason", "shadow" } });

    public void Shed(int predictions) => _predictionsShed.Add(predictions);

    public void PayloadsShed(int payloads) => _payloadsShed.Add(payloads);

    public void Cost(string model, string version, string role, decimal cost, string currency)
    {
        if (cost > 0)
        {
            _cost.Add((double)cost, new TagList { { "model", model }, { "version", version }, { "role", role }, { "currency", currency } });
        }
    }

    public void Cached(string model, string version, bool hit) => (hit ? _cacheHits : _cacheMisses).Add(1, Tags(model, version));

    public void RolledBack(string model, string version) => _rollbacks.Add(1, Tags(model, version));

    /// <param name="result"><c>agreed</c>, <c>differed</c>, <c>failed</c>, or <c>shed</c> where there was no room for it.</param>
    public void Shadowed(string model, string version, string result) => _shadows.Add(
        1, new TagList { { "model", model }, { "version", version }, { "result", result } });

    public void ComparisonsShed(int comparisons) => _comparisonsShed.Add(comparisons);

    private IEnumerable<Measurement<double>> Indexes()
    {
        foreach (var seen in Drift)
        {
            foreach (var (direction, index) in ((string, double?)[])[("input", seen.Inputs), ("output", seen.Outputs)])
            {
                if (index is { } psi)
                {
                    yield return new(psi, new TagList { { "model", seen.Model }, { "version", seen.Version }, { "direction", direction } });
                }
            }
        }
    }

    private static TagList Tags(string model, string version) => new() { { "model", model }, { "version", version } };
}
