using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Live;

/// <summary>A change as people read it.</summary>
/// <param name="Model">To whose page it leads; null for what is of no model.</param>
/// <param name="By">Who did it.</param>
public sealed record ShownChange(DateTimeOffset At, string What, string? Model, string By, string? Details)
{
    /// <summary>In one line, for a mark.</summary>
    public string Text => $"{What}, by {By}{(string.IsNullOrEmpty(Details) ? null : $": {Details}")}";

    /// <summary>What was changed since a moment, and which replicas and workers began since; the newest first.</summary>
    /// <param name="overview">Null where those who began are not wanted.</param>
    public static IReadOnlyList<ShownChange> Since(DateTimeOffset since, IEnumerable<PlatformChange> changes, Overview? overview)
    {
        static ShownChange Began(string what, DateTimeOffset at) => new(at, what, null, "the platform", null);
        return
        [
            .. changes.Select(Of)
                .Concat((overview?.Apis ?? []).Select(api => Began($"API replica {api.Id} began", api.Started)))
                .Concat((overview?.Workers ?? []).Select(worker => Began($"Worker {worker.Id} began", worker.Started)))
                .Where(change => change.At >= since).Distinct().OrderByDescending(change => change.At),
        ];
    }

    private static ShownChange Of(PlatformChange change)
    {
        var version = change.Version is null ? change.Model : $"{change.Model}/{change.Version}";
        var what = change.Kind switch
        {
            "promoted" => $"{version} promoted",
            "rolled_back" => $"{change.Model} rolled back to {change.Version}",
            "traffic_rolled_back" => $"Canary {version} rolled back",
            "canary_set" => $"Canary {version} set",
            "shadow_set" => $"Shadow {version} set",
            "traffic_set" => $"Trial of {change.Model} ended",
            "traffic_cleared" => $"Traffic policy of {change.Model} cleared",
            "ready" => $"{version} deployed",
            "settings_changed" => $"Settings of {change.Model} changed",
            "loaded" => $"{change.Model} brought into service",
            "unloaded" => $"{change.Model} taken out of service",
            var kind => $"{version} {kind.Replace('_', ' ')}",
        };
        return new ShownChange(change.At, what, change.Model, change.Actor, change.Details);
    }
}
