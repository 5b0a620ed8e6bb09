namespace InferenceTemplate.Core.Queue;

/// <summary>As what a version answered.</summary>
public enum TrafficRole : byte
{
    /// <summary>It is the one that requests go to.</summary>
    Stable = 0,

    /// <summary>It is being tried with a share of the requests.</summary>
    Canary = 1,

    /// <summary>The caller named it.</summary>
    Named = 2,

    /// <summary>It repeated a request for comparison; its answer went to nobody.</summary>
    Shadow = 3,

    /// <summary>It stood in for a model that could not be loaded.</summary>
    Fallback = 4,
}

public static class TrafficRoles
{
    /// <summary>The word for it in records and metrics, such as <c>canary</c>.</summary>
    public static string Name(this TrafficRole role) => role switch
    {
        TrafficRole.Stable => "stable",
        TrafficRole.Canary => "canary",
        TrafficRole.Named => "named",
        TrafficRole.Shadow => "shadow",
        _ => "fallback",
    };
}
