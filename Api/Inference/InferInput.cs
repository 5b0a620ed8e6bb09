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
    public async ValueTask<InferBody> ReadAsync(
        HttpRequest request, ModelVersion version, ModelSettings settings, CancellationToken cancellationToken) =>
        Fitting(await InferRequest.ReadAsync(request, version, limits.Value, cancellationToken), version, settings);

    /// <summary>A request that is all JSON and already there.</summary>
    /// <param name="isSample">Whether it is to be tried, and not served: then its tensors may be empty as nobody has tried.</param>
    /// <exception cref="InvalidInferBodyException">It can't be understood, or does not fit.</exception>
    public InferBody Read(ReadOnlySpan<byte> json, ModelVersion version, ModelSettings settings, bool isSample = false) =>
        Fitting(InferBodyReader.Read(json, limits: limits.Value), version, settings, isSample);

    /// <summary>A request that was read already.</summary>
    /// <exception cref="InvalidInferBodyException">It does not fit.</exception>
    public static InferBody Fitting(InferBody body, ModelVersion version, ModelSettings settings, bool isSample = false)
    {
        // What a pipeline's steps take is known where they run.
        var tried = !isSample && version.Metadata.Steps.Count == 0;
        var problem = SignatureValidator.Validate(
            version.Signature, body.Inputs, body.Outputs, BatchDecision.Of(version, settings).Batched, tried)
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
        foreach (var output in version.Signature.Outputs)
        {
            if (output.Datatype is Datatype.Fp16 or Datatype.Bf16
                && !body.Forms.IsBinary(output.Name)
                && body.Forms.ClassesOf(output.Name) == 0
                && (body.Outputs.Length == 0 || body.Outputs.Contains(output.Name, StringComparer.Ordinal)))
            {
                return $"outputs: '{output.Name}' is {output.Datatype.Name()}, which can't be answered as JSON numbers; ask for it as binary data, or for other outputs";
            }
        }

        return null;
    }
}
