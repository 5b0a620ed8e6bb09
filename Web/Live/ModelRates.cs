using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Live;

/// <summary>Requests a second by model, from counts that only grow.</summary>
public sealed class ModelRates
{
    private readonly List<(DateTimeOffset At, IReadOnlyDictionary<string, double> Rates)> _samples = [];
    private Dictionary<string, long>? _before;
    private DateTimeOffset _beforeAt;

    /// <summary>Takes what was counted at a moment.</summary>
    public void Take(ModelStatistics statistics, DateTimeOffset at)
    {
        // What another page has asked may be what this one has taken already.
        if (at <= _beforeAt)
        {
            return;
        }

        var counts = statistics.ModelStats.GroupBy(version => version.Name, StringComparer.Ordinal)
            .ToDictionary(model => model.Key, model => model.Sum(version => version.Requests), StringComparer.Ordinal);
        if (_before is { } before)
        {
            // A version that was deleted takes its count with it; a model that is new began at nothing.
            var seconds = (at - _beforeAt).TotalSeconds;
            double Rate(string model) => Math.Max(0, counts[model] - before.GetValueOrDefault(model)) / seconds;
            _samples.Add((at, counts.Keys.ToDictionary(model => model, Rate, StringComparer.Ordinal)));
            _samples.RemoveAll(sample => sample.At < at - OverviewMonitor.Window);
        }

        (_before, _beforeAt) = (counts, at);
    }

    /// <param name="end">Of the axis.</param>
    public IReadOnlyList<ChartSeries> Until(DateTimeOffset end) => ChartSeries.Stack(
        [.. _samples.Select(sample => Math.Min(0, (sample.At - end).TotalSeconds))],
        _samples.SelectMany(sample => sample.Rates.Keys).Distinct(StringComparer.Ordinal)
            .Select(model => (model, (IReadOnlyList<double>)[.. _samples.Select(sample => sample.Rates.GetValueOrDefault(model))])));
}
