using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Components.Shared;

namespace InferenceTemplate.Web.Live;

public enum HealthLevel
{
    /// <summary>Requests are answered.</summary>
    Operational,

    /// <summary>Some requests fail or wait, or some models can't be served.</summary>
    Degraded,

    /// <summary>Nothing is served, or most requests fail.</summary>
    Outage,
}

/// <summary>How the platform does, in one word, and why.</summary>
/// <param name="Reasons">Sentences, the worst first; empty where all is well.</param>
public sealed record PlatformHealth(HealthLevel Level, IReadOnlyList<string> Reasons)
{
    private const double DegradedErrorShare = 0.01;
    private const double OutageErrorShare = 0.5;
    private const int NamedModels = 3;

    private static readonly TimeSpan s_longWait = TimeSpan.FromSeconds(10);

    public static PlatformHealth Of(Overview overview)
    {
        List<string> outage = [.. OutageReasons(overview)];
        List<string> degraded = [.. DegradedReasons(overview)];
        return new PlatformHealth(
            outage.Count > 0 ? HealthLevel.Outage : degraded.Count > 0 ? HealthLevel.Degraded : HealthLevel.Operational,
            [.. outage, .. degraded]);
    }

    private static double ErrorShare(Overview overview) =>
        overview.RequestsPerSecond > 0 ? overview.ErrorsPerSecond / overview.RequestsPerSecond : 0;

    private static IEnumerable<string> OutageReasons(Overview overview)
    {
        if (!overview.Workers.Any(worker => worker.Ready))
        {
            yield return overview.Workers.Count == 0 ? "No worker is running."
                : overview.Workers.All(worker => worker.IsDrained) ? "Every worker is drained." : "No worker is ready yet.";
        }

        if (ErrorShare(overview) >= OutageErrorShare)
        {
            yield return Failing(overview);
        }
    }

    private static IEnumerable<string> DegradedReasons(Overview overview)
    {
        if (ErrorShare(overview) is >= DegradedErrorShare and < OutageErrorShare)
        {
            yield return Failing(overview);
        }

        var wait = TimeSpan.FromSeconds(overview.OldestWaitSeconds);
        if (wait >= s_longWait)
        {
            yield return $"{Show.Count(overview.QueueDepth)} {(overview.QueueDepth == 1 ? "request waits" : "requests wait")}, "
                + $"the oldest for {Show.Duration(wait)}.";
        }

        var ready = overview.Workers.Count(worker => worker.Ready);
        var drained = overview.Workers.Count(worker => worker.IsDrained);
        if (ready > 0 && ready + drained < overview.Workers.Count)
        {
            yield return $"{overview.Workers.Count - ready - drained} of {overview.Workers.Count} workers are not ready.";
        }

        if (ready > 0 && drained > 0)
        {
            yield return $"{drained} of {overview.Workers.Count} workers {(drained == 1 ? "is" : "are")} drained.";
        }

        List<string> unavailable =
            [.. overview.Models.Where(model => model.State == "unavailable").Select(model => $"{model.Name}/{model.Version}")];
        if (ready > 0 && unavailable.Count > 0)
        {
            var more = unavailable.Count - NamedModels;
            yield return $"No worker can load {string.Join(", ", unavailable.Take(NamedModels))}{(more > 0 ? $" and {more} more" : null)}.";
        }
    }

    private static string Failing(Overview overview) =>
        $"{Show.Share(overview.ErrorsPerSecond, overview.RequestsPerSecond)} of requests fail.";
}
