namespace InferenceTemplate.Web.ApiClient;

/// <summary>What <c>GET /v2/models/stats</c> answers, as far as the dashboard reads it.</summary>
public sealed record ModelStatistics(IReadOnlyList<VersionStatistics> ModelStats);

/// <param name="LastInference">Unix time in milliseconds; 0 where there was none.</param>
public sealed record VersionStatistics(string Name, string Version, long LastInference, RequestCounts? InferenceStats = null)
{
    /// <summary>That have ended, well or not.</summary>
    public long Requests => InferenceStats is { } counts ? counts.Success.Count + counts.Fail.Count : 0;
}

/// <summary>How many requests ended so.</summary>
public sealed record RequestCounts(Counted Success, Counted Fail);

public sealed record Counted(long Count);
