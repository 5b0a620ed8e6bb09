using System.ComponentModel.DataAnnotations;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Api.Inference;

/// <summary>Bounds on what one request may bring. Whoever exceeds one is told its number.</summary>
internal sealed class LimitOptions : SignatureLimits
{
    public const string Section = "Limits";

    /// <summary>Bytes of a request's body, as sent and once decompressed; more are answered 413. Default 32 MiB.</summary>
    [Range(1024, 512 * 1024 * 1024)]
    public int MaxBodyBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>Depth of a request's JSON. Default 64.</summary>
    [Range(8, 1000)]
    public int MaxJsonDepth { get; set; } = 64;

    /// <summary>Characters of a request's id. Default 256.</summary>
    [Range(1, 4096)]
    public int MaxIdLength { get; set; } = 256;
}
