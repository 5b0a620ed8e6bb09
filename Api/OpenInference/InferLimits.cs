namespace InferenceTemplate.Api.OpenInference;

/// <summary>Bounds on one inference request.</summary>
internal static class InferLimits
{
    /// <summary>Bytes of a request's body: 32 MiB.</summary>
    public const int MaxBodyBytes = 32 * 1024 * 1024;

    /// <summary>Depth of a request's JSON.</summary>
    public const int MaxJsonDepth = 64;

    /// <summary>Tensors in a request.</summary>
    public const int MaxTensors = 16;

    /// <summary>Elements of one tensor: 16 Mi.</summary>
    public const int MaxElements = 16 * 1024 * 1024;

    /// <summary>Dimensions of one tensor.</summary>
    public const int MaxDimensions = 16;

    /// <summary>Characters of a request's id.</summary>
    public const int MaxIdLength = 256;
}
