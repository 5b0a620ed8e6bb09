using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Inference;

/// <summary>Bounds on what one request may bring. Whoever exceeds one is told its number.</summary>
internal sealed class LimitOptions
{
    public const string Section = "Limits";

    /// <summary>Bytes of a request's body, as sent and once decompressed. Default 32 MiB.</summary>
    [Range(1024, 512 * 1024 * 1024)]
    public int MaxBodyBytes { get; set; } = 32 * 1024 * 1024;

    /// <summary>Depth of a request's JSON. Default 64.</summary>
    [Range(8, 1000)]
    public int MaxJsonDepth { get; set; } = 64;

    /// <summary>Inputs of a request, and outputs that it may ask for. Default 16.</summary>
    [Range(1, 1024)]
    public int MaxTensors { get; set; } = 16;

    /// <summary>Elements of one tensor. Default 16 Mi.</summary>
    [Range(1, 128 * 1024 * 1024)]
    public int MaxElements { get; set; } = 16 * 1024 * 1024;

    /// <summary>Dimensions of one tensor. Default 16.</summary>
    [Range(1, 64)]
    public int MaxDimensions { get; set; } = 16;

    /// <summary>Characters of a request's id. Default 256.</summary>
    [Range(1, 4096)]
    public int MaxIdLength { get; set; } = 256;

    /// <summary>Characters of the name of an input or output. Default 256.</summary>
    [Range(1, 4096)]
    public int MaxNameLength { get; set; } = 256;
}
