using System.Text.Json;

namespace InferenceTemplate.Client;

/// <summary>What a model answered.</summary>
public sealed class InferenceResult
{
    internal InferenceResult(
        string model, string version, string? requestId, IReadOnlyDictionary<string, JsonElement> parameters,
        IReadOnlyList<InferenceTensor> outputs)
    {
        Model = model;
        Version = version;
        RequestId = requestId;
        Parameters = parameters;
        Outputs = outputs;
    }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    /// <summary>The version that answered.</summary>
    public string Version { get; }

    /// <summary>The id that the request had.</summary>
    public string? RequestId { get; }

    /// <summary>What the platform tells of the run: <c>queue_us</c>, <c>compute_us</c>, <c>batch_size</c>, <c>cost</c> and more.</summary>
    public IReadOnlyDictionary<string, JsonElement> Parameters { get; }

    /// <summary>The outputs that were asked for.</summary>
    public IReadOnlyList<InferenceTensor> Outputs { get; }

    /// <summary>An output by its name.</summary>
    /// <exception cref="KeyNotFoundException">There is none of that name.</exception>
    public InferenceTensor this[string output] => Outputs.FirstOrDefault(each => each.Name == output)
        ?? throw new KeyNotFoundException(
            $"There is no output '{output}' of '{Model}': it has {string.Join(", ", Outputs.Select(each => $"'{each.Name}'"))}.");
}
