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

    /// <summary>
    /// Bytes that bodies of requests take together on a replica while they are read, those under 64 KiB not counted; of one tenant half of
    /// it at most (429), of all no more (503). Default 512 MiB.
    /// </summary>
    [Range(1 << 20, 64L << 30)]
    public long BodyBytesInFlight { get; set; } = 512L << 20;

    /// <summary>
    /// Lists of requests, usage, jobs, batches and history that one tenant has read at a time on a replica; a few more wait, and beyond
    /// those they are answered 429. Default 4.
    /// </summary>
    [Range(1, 1000)]
    public int ReadsPerTenant { get; set; } = 4;

    /// <summary>Depth of a request's JSON. Default 64.</summary>
    [Range(8, 1000)]
    public int MaxJsonDepth { get; set; } = 64;

    /// <summary>Characters of a request's id. Default 256.</summary>
    [Range(1, 4096)]
    public int MaxIdLength { get; set; } = 256;
}
