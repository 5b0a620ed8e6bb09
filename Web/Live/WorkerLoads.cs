using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Live;

/// <summary>How busy each worker was in the window: its GPUs in percent, or where it has none, its process in percent of a core.</summary>
public sealed class WorkerLoads
{
    private readonly List<(DateTimeOffset At, IReadOnlyDictionary<string, double> Loads)> _samples = [];

    /// <summary>Null where neither is known.</summary>
    public static double? Of(WorkerInstance worker) =>
        100 * (worker.Gpus?.Where(gpu => gpu.Utilization is not null).Select(gpu => gpu.Utilization).DefaultIfEmpty().Average() ?? worker.CpuCores);

    public void Take(Overview overview, DateTimeOffset at)
    {
        _samples.Add((at, overview.Workers.Where(worker => Of(worker) is not null)
            .ToDictionary(worker => worker.Id, worker => Of(worker)!.Value, StringComparer.Ordinal)));
        _samples.RemoveAll(sample => sample.At < at - OverviewMonitor.Window);
    }

    /// <summary>A line for each of the busiest; where one was not there, it has a gap.</summary>
    /// <param name="end">Of the axis.</param>
    public IReadOnlyList<ChartSeries> Until(DateTimeOffset end) =>
    [
        .. _samples.SelectMany(sample => sample.Loads).GroupBy(load => load.Key, StringComparer.Ordinal)
            .OrderByDescending(worker => worker.Sum(load => load.Value)).Take(ChartSeries.Most)
            .Select(worker => worker.Key).Order(StringComparer.Ordinal)
            .Select((worker, index) => new ChartSeries(
                worker, ChartSeries.ColorOf(index),
                [.. _samples.Select(sample => new ChartPoint(
                    Math.Min(0, (sample.At - end).TotalSeconds),
                    sample.Loads.TryGetValue(worker, out var load) ? load : null))])),
    ];
}
