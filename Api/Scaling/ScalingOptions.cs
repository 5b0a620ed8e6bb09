using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Scaling;

/// <summary>What an autoscaler needs to ask this Api how many workers are wanted.</summary>
public sealed class ScalingOptions
{
    public const string Section = "Scaling";

    /// <summary>The bearer token of the autoscaler for <c>GET /scaling/workers</c>. Without it there is no such endpoint.</summary>
    [MinLength(24, ErrorMessage = "Scaling:Token must be a secret of at least 24 characters, or not be set.")]
    public string? Token { get; set; }
}
