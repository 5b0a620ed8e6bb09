namespace InferenceTemplate.Core.Catalog;

/// <summary>What an ONNX file says of itself besides its inputs and outputs. Texts that are absent are empty.</summary>
public sealed record VersionMetadata
{
    /// <summary>The tool that wrote it, with its version where it says one.</summary>
    public string Producer { get; set; } = "";

    public string Graph { get; set; } = "";

    public string Description { get; set; } = "";

    /// <summary>Version of each operator set that it needs, by domain; the default one is <c>ai.onnx</c>.</summary>
    public IReadOnlyDictionary<string, long> Opsets { get; set; } = new Dictionary<string, long>();

    /// <summary>Whatever else its maker wrote.</summary>
    public IReadOnlyDictionary<string, string> Properties { get; set; } = new Dictionary<string, string>();

    /// <summary>What a pipeline runs, in this order; empty for a model.</summary>
    public IReadOnlyList<PipelineStep> Steps { get; set; } = [];
}
