using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>What came of opening a model: either what it is, or why it is not served.</summary>
/// <param name="SampleHasRun">Whether it was given a sample request, and ran on it.</param>
/// <param name="IsProving">Whether it is being tried still if its rows are independent.</param>
internal sealed record InspectionReport(InspectedModel? Model, string? Reason, bool SampleHasRun = false, bool IsProving = false)
{
    public static InspectionReport Refused(string reason) => new(null, reason);
}

/// <summary>JSON between the process that opens a model and the worker.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(InspectionReport))]
[JsonSerializable(typeof(InspectionLimits))]
[JsonSerializable(typeof(EmptyExtent[]))]
[JsonSerializable(typeof(Tensor[]))]
internal sealed partial class InspectionJson : JsonSerializerContext
{
    /// <summary>The inputs of a sample request, of which no argument of a process could be as long.</summary>
    public static Tensor[] ReadSample(string path) => JsonSerializer.Deserialize(File.ReadAllBytes(path), Default.TensorArray)!;

    public static Task WriteSampleAsync(string path, Tensor[] sample, CancellationToken cancellationToken) =>
        File.WriteAllBytesAsync(path, JsonSerializer.SerializeToUtf8Bytes(sample, Default.TensorArray), cancellationToken);
}
