using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Inference;

/// <summary>Reads what a caller sent and holds it against the model's signature and settings.</summary>
internal sealed class InferInput(IOptions<LimitOptions> limits)
{
    public int MaxJsonDepth => limits.Value.MaxJsonDepth;

    /// <exception cref="InvalidInferBodyException">It can't be understood, or does not fit.</exception>
    /// <exception cref="BadHttpRequestException">The body is too large, ended too early, or is compressed in an unknown way.</exception>
    public async Task<InferBody> ReadAsync(
        HttpRequest request, ModelVersion version, ModelSettings settings, CancellationToken cancellationToken) =>
        Fitting(await InferRequest.ReadAsync(request, version, limits.Value, cancellationToken), version, settings);

    /// <summary>A request that is all JSON and already there.</summary>
    /// <exception cref="InvalidInferBodyException">It can't be understood, or does not fit.</exception>
    public InferBody Read(ReadOnlySpan<byte> json, ModelVersion version, ModelSettings settings) =>
        Fitting(InferBodyReader.Read(json, limits: limits.Value), version, settings);

    /// <summary>A request that was read already.</summary>
    /// <exception cref="InvalidInferBodyException">It does not fit.</exception>
    public static InferBody Fitting(InferBody body, ModelVersion version, ModelSettings settings)
    {
        var problem = SignatureValidator.Validate(version.Signature, body.Inputs, body.Outputs, BatchDecision.Of(version, settings).Batched)
            ?? Classification.Refusal(version.Signature, body.Forms)
            ?? HalfPrecision(version, body)
            ?? (settings.RefuseNan ? FiniteNumbers.Refusal(body.Inputs) : null);
        if (problem is not null)
        {
            throw new InvalidInferBodyException(problem);
        }

        // Tokens are counted by it, whatever else is asked for.
        return body.Outputs.Length > 0
            && GenerationSignature.IsOf(version.Signature)
            && !body.Outputs.Contains(GenerationSignature.Usage, StringComparer.Ordinal)
            ? body with { Outputs = [.. body.Outputs, GenerationSignature.Usage] }
            : body;
    }

    private static string? HalfPrecision(ModelVersion version, InferBody body)
    {
        var half = version.Signature.Outputs.FirstOrDefault(o => o.Datatype is Datatype.Fp16 or Datatype.Bf16
            && !body.Forms.IsBinary(o.Name)
            && body.Forms.ClassesOf(o.Name) == 0
            && (body.Outputs.Length == 0 || body.Outputs.Contains(o.Name, StringComparer.Ordinal)));
        return half is null
            ? null
            : $"outputs: '{half.Name}' is {half.Datatype.Name()}, which can't be answered as JSON numbers; ask for it as binary data, or for other outputs";
    }
}
