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

/// <summary>One thing that wants attention.</summary>
/// <param name="Text">A sentence.</param>
/// <param name="Path">Of the page that tells more, or where something can be done; null where that is the overview itself.</param>
/// <param name="ForAdmins">Whether only they may open it.</param>
public sealed record HealthReason(string Text, string? Path = null, bool ForAdmins = false);

/// <summary>How the platform does, in one word, and why.</summary>
/// <param name="Reasons">The worst first, and then what wants attention though requests are answered.</param>
public sealed record PlatformHealth(HealthLevel Level, IReadOnlyList<HealthReason> Reasons)
{
    private const double DegradedErrorShare = 0.01;
    private const double OutageErrorShare = 0.5;
    private const int NamedModels = 3;

    private static readonly TimeSpan s_longWait = TimeSpan.FromSeconds(10);

    /// <param name="objectives">Null where they are not known.</param>
    public static PlatformHealth Of(Overview overview, Objectives? objectives = null)
    {
        List<HealthReason> outage = [.. OutageReasons(overview)];
        List<HealthReason> degraded = [.. DegradedReasons(overview)];
        return new PlatformHealth(
            outage.Count > 0 ? HealthLevel.Outage : degraded.Count > 0 ? HealthLevel.Degraded : HealthLevel.Operational,
            [.. outage, .. degraded, .. OtherReasons(overview, objectives)]);
    }

    private static double ErrorShare(Overview overview) =>
        overview.RequestsPerSecond > 0 ? overview.ErrorsPerSecond / overview.RequestsPerSecond : 0;

    private static IEnumerable<HealthReason> OutageReasons(Overview overview)
    {
        if (!overview.Workers.Any(worker => worker.Ready))
        {
            yield return new(
                overview.Workers.Count == 0 ? "No worker is running."
                : overview.Workers.All(worker => worker.IsDrained) ? "Every worker is drained." : "No worker is ready yet.",
                "/workers");
        }

        if (ErrorShare(overview) >= OutageErrorShare)
        {
            yield return Failing(overview);
        }
    }

    private static IEnumerable<HealthReason> DegradedReasons(Overview overview)
    {
        if (ErrorShare(overview) is >= DegradedErrorShare and < OutageErrorShare)
        {
            yield return Failing(overview);
        }

        var wait = TimeSpan.FromSeconds(overview.OldestWaitSeconds);
        if (wait >= s_longWait)
        {
            yield return new(
                $"{Show.Count(overview.QueueDepth)} {(overview.QueueDepth == 1 ? "request waits" : "requests wait")}, "
                + $"the oldest for {Show.Duration(wait)}.",
                "/queues", ForAdmins: true);
        }

        var ready = overview.Workers.Count(worker => worker.Ready);
        var drained = overview.Workers.Count(worker => worker.IsDrained);
        if (ready > 0 && ready + drained < overview.Workers.Count)
        {
            yield return new($"{overview.Workers.Count - ready - drained} of {overview.Workers.Count} workers are not ready.", "/workers");
        }

        if (ready > 0 && drained > 0)
        {
            yield return new($"{drained} of {overview.Workers.Count} workers {(drained == 1 ? "is" : "are")} drained.", "/workers");
        }

        List<ModelVersion> unavailable = [.. overview.Models.Where(model => model.State == "unavailable")];
        if (ready > 0 && unavailable.Count > 0)
        {
            var more = unavailable.Count - NamedModels;
            var names = string.Join(", ", unavailable.Take(NamedModels).Select(model => $"{model.Name}/{model.Version}"));
            yield return new(
                $"No worker can load {names}{(more > 0 ? $" and {more} more" : null)}.",
                unavailable.Select(model => model.Name).Distinct(StringComparer.Ordinal).ToList() is [var one]
                    ? $"/models/{Uri.EscapeDataString(one)}" : "/models?state=unavailable");
        }
    }

    // None of these keeps a request from its answer now.
    private static IEnumerable<HealthReason> OtherReasons(Overview overview, Objectives? objectives)
    {
        foreach (var objective in objectives?.All ?? [])
        {
            if (objective.State is "burning" or "exhausted")
            {
                yield return new(
                    $"The error budget of {objective.Name} {(objective.State == "burning" ? "burns too fast" : "is spent")}.",
                    objective.Seconds is { } limit
                        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"/requests?range=24h&min_ms={limit * 1000:0.###}")
                        : "/requests?range=24h&status=5xx");
            }
        }

        if (overview.DeadLetters > 0)
        {
            yield return new(
                $"{Show.Counted(overview.DeadLetters, "request")} {(overview.DeadLetters == 1 ? "was" : "were")} given up: requeue or purge.",
                "/dead-letters", ForAdmins: true);
        }
    }

    private static HealthReason Failing(Overview overview) => new(
        $"{Show.Share(overview.ErrorsPerSecond, overview.RequestsPerSecond)} of requests fail.", "/requests?range=15m&status=5xx");
}
