using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace InferenceTemplate.Api;

/// <summary>The Api's metrics. Durations are in seconds.</summary>
internal sealed class Telemetry
{
    public const string Name = "InferenceTemplate.Api";

    private readonly Histogram<double> _requestDuration;
    private readonly Counter<long> _predictionsShed;
    private readonly Counter<long> _dropped;

    public Telemetry(IMeterFactory meters)
    {
        var meter = meters.Create(Name);
        _requestDuration = meter.CreateHistogram<double>(
            "inference.request.duration", "s", "Time of an inference request, from its arrival to its answer.");
        _predictionsShed = meter.CreateCounter<long>(
            "inference.predictions.shed", "{prediction}", "Prediction records not kept because Postgres could not keep up.");
        _dropped = meter.CreateCounter<long>("inference.requests.dropped", "{request}", "Requests removed without a run, by reason.");
    }

    public void Answered(string model, string version, int status, TimeSpan time) => _requestDuration.Record(
        time.TotalSeconds,
        new TagList { { "model", model }, { "version", version }, { "http.response.status_code", status } });

    /// <summary>Shadow requests that made way for another.</summary>
    public void DroppedShadow(string model, string version, int count) =>
        _dropped.Add(count, new TagList { { "model", model }, { "version", version }, { "reason", "shadow" } });

    public void Shed(int predictions) => _predictionsShed.Add(predictions);
}
