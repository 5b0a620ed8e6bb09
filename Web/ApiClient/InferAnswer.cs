using System.Text.Json;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>What <c>POST /v2/models/{m}/versions/{v}/infer</c> answers.</summary>
public sealed record InferAnswer(string ModelName, string ModelVersion, InferParameters? Parameters, IReadOnlyList<InferOutput> Outputs);

/// <summary>Microseconds waited and computed, rows of the run, and the request's share of its price.</summary>
public sealed record InferParameters(long QueueUs, long ComputeUs, int BatchSize, decimal Cost, string? Currency, bool? CacheHit = null);

/// <summary>One output; its data are a flat array.</summary>
public sealed record InferOutput(string Name, string Datatype, IReadOnlyList<long> Shape, JsonElement Data);

/// <summary>A refusal: on <c>/v2</c> a text, of what OpenAI's clients call an object with a message and a code.</summary>
public sealed record InferError(JsonElement Error)
{
    public string? Message => Error.ValueKind switch
    {
        JsonValueKind.String => Error.GetString(),
        JsonValueKind.Object => Text("message"),
        _ => null,
    };

    /// <summary>Such as <c>context_length_exceeded</c>; null where none is given.</summary>
    public string? Code => Error.ValueKind == JsonValueKind.Object ? Text("code") : null;

    private string? Text(string name) =>
        Error.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
