using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Models;

/// <summary>Bounds on uploaded models.</summary>
public sealed class ModelUploadOptions
{
    public const string Section = "Models";

    /// <summary>Bytes of one upload, be it a file, an archive or a form; more are answered 413. Default 2 GiB.</summary>
    [Range(1L << 10, 64L << 30)]
    public long MaxUploadBytes { get; set; } = 2L << 30;
}
