namespace InferenceTemplate.Data;

/// <summary>Whether workers hold a model in memory.</summary>
public enum Residency
{
    /// <summary>As requests come and memory allows.</summary>
    Auto,

    /// <summary>Loaded without waiting for a request.</summary>
    Load,

    /// <summary>Not loaded, and so not served, until somebody loads it.</summary>
    Unload,
}
