using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Live;

/// <summary>Requests a second by model, from counts that only grow.</summary>
public sealed class ModelRates
{
    private readonly List<(DateTimeOffset At, IReadOnlyDictionary<string, double> Rates)> _samples = [];
    private Dictionary<(string Name, string Version), long>? _before;
    private DateTimeOffset _beforeAt;

    /// <summary>Takes what was counted at a moment.</summary>
    public void Take(ModelStatistics statistics, DateTimeOffset at)
    {
        // What another page has asked may be what this one has taken already.
        if (at <= _beforeAt)
        {
            return;
        }

        var counts = statistics.ModelStats.GroupBy(version => (version.Name, version.Version))
            .ToDictionary(version => version.Key, version => version.Sum(one => one.Requests));
        if (_before is { } before)
        {
            // One that was not counted before may come back with all that it ever did: its rate is known from the next count on.
            var seconds = (at - _beforeAt).TotalSeconds;
            var rates = counts.Where(version => before.ContainsKey(version.Key))
                .GroupBy(version => version.Key.Name, StringComparer.Ordinal)
                .ToDictionary(
                    model => model.Key, model => model.Sum(version => Math.Max(0, version.Value - before[version.Key])) / seconds,
                    StringComparer.Ordinal);
            _samples.Add((at, rates));
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
