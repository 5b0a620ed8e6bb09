namespace InferenceTemplate.Data;

/// <summary>Whether a version may be served.</summary>
public enum VersionState
{
    /// <summary>Uploaded; no worker has opened it yet.</summary>
    Pending,

    /// <summary>Opened by a worker, hence servable.</summary>
    Ready,

    /// <summary>Not a model that is served here; the row says why.</summary>
    Rejected,
}
