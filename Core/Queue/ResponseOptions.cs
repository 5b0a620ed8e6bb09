using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Core.Queue;

/// <summary>How large an answer may be. Workers refuse what is larger, and replicas do not read it: give both the same.</summary>
public sealed class ResponseOptions
{
    public const string Section = "Limits";

    /// <summary>Bytes of all outputs of one answer, as tensors; more are answered 413.</summary>
    [Range(1024, 1 << 30)]
    public int ResponseBytes { get; set; } = 64 << 20;
}
