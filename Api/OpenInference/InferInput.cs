using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Store;
using InferenceTemplate.Inference.Tensors;

namespace InferenceTemplate.Api.OpenInference;

/// <summary>Reads what a caller sent and holds it against the model's signature.</summary>
internal static class InferInput
{
    /// <exception cref="InvalidInferBodyException">It can't be understood, or does not fit.</exception>
    /// <exception cref="BadHttpRequestException">The body is too large, or ended too early.</exception>
    public static async Task<InferBody> ReadAsync(HttpRequest request, ModelVersion version, CancellationToken cancellationToken) =>
        Fitting(await InferRequest.ReadAsync(request, version, cancellationToken), version);

    /// <summary>A request that is all JSON and already there.</summary>
    /// <exception cref="InvalidInferBodyException">It can't be understood, or does not fit.</exception>
    public static InferBody Read(ReadOnlySpan<byte> json, ModelVersion version) => Fitting(InferBodyReader.Read(json), version);

    private static InferBody Fitting(InferBody body, ModelVersion version) =>
        (SignatureValidator.Validate(version.Signature, body.Inputs, body.Outputs) ?? HalfPrecision(version, body)) is { } problem
            ? throw new InvalidInferBodyException(problem)
            : body;

    private static string? HalfPrecision(ModelVersion version, InferBody body)
    {
        var half = version.Signature.Outputs.FirstOrDefault(o => o.Datatype is Datatype.Fp16 or Datatype.Bf16
            && !body.Forms.IsBinary(o.Name)
            && (body.Outputs.Length == 0 || body.Outputs.Contains(o.Name, StringComparer.Ordinal)));
        return half is null
            ? null
            : $"outputs: '{half.Name}' is {half.Datatype.Name()}, which can't be answered as JSON numbers; ask for it as binary data, or for other outputs";
    }
}
