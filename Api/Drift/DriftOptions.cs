using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Drift;

/// <summary>How much is looked at for drift, where a model's settings switch it on.</summary>
public sealed class DriftOptions
{
    public const string Section = "Drift";

    /// <summary>Requests of a version that each Api replica looks at in a second, after a burst of 1,000. Default 20.</summary>
    [Range(1, 1_000)]
    public int RequestsPerSecond { get; set; } = 20;

    /// <summary>Requests that a baseline is made of. Default 1,000.</summary>
    [Range(DriftComparison.MinRequests, 100_000)]
    public int BaselineRequests { get; set; } = 1_000;
}
