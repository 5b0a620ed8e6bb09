using System.Text.Json.Serialization;

namespace InferenceTemplate.Client;

/// <summary>What a model takes and returns.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Versions">Versions that may be called.</param>
/// <param name="Platform">Such as <c>onnxruntime_onnx</c>.</param>
/// <param name="Inputs">What a request brings.</param>
/// <param name="Outputs">What a response may have.</param>
public sealed record ModelMetadata(
    [property: JsonRequired] string Name, [property: JsonRequired] IReadOnlyList<string> Versions,
    [property: JsonRequired] string Platform, [property: JsonRequired] IReadOnlyList<TensorMetadata> Inputs,
    [property: JsonRequired] IReadOnlyList<TensorMetadata> Outputs);

/// <summary>An input or an output of a model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Datatype">The protocol's name, such as <c>FP32</c>.</param>
/// <param name="Shape">-1 is a dimension of any size.</param>
/// <param name="Optional">Whether a request may leave it out.</param>
public sealed record TensorMetadata(
    [property: JsonRequired] string Name, [property: JsonRequired] string Datatype, [property: JsonRequired] IReadOnlyList<long> Shape,
    bool Optional = false);

/// <summary>Whether a version can be called.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VersionState>))]
public enum VersionState
{
    /// <summary>No worker has opened it yet.</summary>
    Pending,

    /// <summary>It can be called.</summary>
    Ready,

    /// <summary>It could not be opened.</summary>
    Rejected,
}

/// <summary>A version of a model.</summary>
/// <param name="Model">Its model.</param>
/// <param name="Version">Its number.</param>
/// <param name="State">Whether it can be called.</param>
/// <param name="Reason">Why it was rejected.</param>
/// <param name="Sha256">Of its file, in hexadecimal.</param>
/// <param name="SizeBytes">Of its file.</param>
/// <param name="Inputs">Empty until a worker has opened it.</param>
/// <param name="Outputs">Empty until a worker has opened it.</param>
/// <param name="CreatedAt">When it was uploaded.</param>
public sealed record ModelVersion(
    [property: JsonRequired] string Model, [property: JsonRequired] string Version, [property: JsonRequired] VersionState State,
    string? Reason, [property: JsonRequired] string Sha256, long SizeBytes, [property: JsonRequired] IReadOnlyList<TensorMetadata> Inputs,
    [property: JsonRequired] IReadOnlyList<TensorMetadata> Outputs, DateTimeOffset CreatedAt);

/// <summary>The version that answers requests that name none.</summary>
/// <param name="Model">The model.</param>
/// <param name="Stable">Its number.</param>
/// <param name="Previous">Where a rollback goes; null where there is none.</param>
public sealed record StableVersion([property: JsonRequired] string Model, [property: JsonRequired] string Stable, string? Previous);

internal sealed record ModelNames([property: JsonRequired] string[] Models);

internal sealed record Promotion(string Version);
