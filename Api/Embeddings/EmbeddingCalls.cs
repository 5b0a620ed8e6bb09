using System.Buffers.Binary;
using System.Runtime.InteropServices;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.OpenAi;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Embeddings;

/// <summary>
/// Has texts embedded by the same call as <c>POST /v2/models/{m}/infer</c> would: its limits, cache, batches and records are those of any
/// other.
/// </summary>
internal sealed class EmbeddingCalls(InferPipeline pipeline, OpenAiCalls calls)
{
    /// <param name="model">A model, or <c>model:version</c>, an alias being a version too.</param>
    /// <param name="texts">Each UTF-8, or token ids as <see cref="EmbeddingSignature.ElementOf"/> has them.</param>
    /// <param name="placeOf">Where in the request a text is, for errors.</param>
    /// <param name="dimensions">The numbers of each embedding that are wanted; null for all.</param>
    /// <returns>Null where it was refused, which is answered already, or the caller left.</returns>
    public async Task<Embedded?> EmbedAsync(
        HttpContext context, string model, IReadOnlyList<byte[]> texts, Func<int, string> placeOf, int? dimensions = null)
    {
        if (await calls.AdmitAsync(context, model, (version, _) => BodyOf(texts, version, dimensions)) is not var (request, body))
        {
            return null;
        }

        var outcome = await pipeline.RunAsync(request, body, deadline: null, context.RequestAborted);
        if (outcome.Status != StatusCodes.Status200OK)
        {
            if (EmbeddingSignature.RefusedText(outcome.Error!) is not { } refusedText)
            {
                await OpenAiCalls.RefuseAsync(context, outcome);
                return null;
            }

            var place = placeOf(refusedText.Text);
            await OpenAiCalls.RefuseAsync(context, outcome with { Error = $"{place} {refusedText.Reason}" }, place);
            return null;
        }

        OpenAiCalls.SetHeaders(context, outcome);
        Tensor Output(string output) => outcome.Reply!.Outputs.First(o => o.Name == output);
        var embedded = new Embedded(
            $"{outcome.Version!.Model}:{outcome.Version.Version}",
            Output(EmbeddingSignature.Embedding),
            Output(EmbeddingSignature.TokenCount));
        if (!embedded.IsOf(texts.Count))
        {
            // A model may give another shape than it declares.
            await OpenAiErrors.Error(
                StatusCodes.Status400BadRequest,
                $"model: {embedded.Model} gave embeddings of the shape [{string.Join(", ", embedded.Embeddings.Shape)}] and "
                + $"{embedded.TokenCounts.ElementCount} counts of tokens for {texts.Count} texts",
                "model").ExecuteAsync(context);
            return null;
        }

        if (FiniteNumbers.FirstNotFinite(embedded.Embeddings) is >= 0 and var number)
        {
            // JSON has no such numbers, and a distance to them is none.
            var place = placeOf(number / embedded.Dimensions);
            await OpenAiErrors.Error(
                StatusCodes.Status400BadRequest, $"{place}: the model gave it an embedding with NaN or infinity", place)
                .ExecuteAsync(context);
            return null;
        }

        return embedded;
    }

    /// <summary>The refusal of more numbers than the model's embeddings have.</summary>
    public static InvalidInferBodyException TooManyDimensions(int given, long possible, string model) =>
        new($"dimensions: {given} given, 1 to {possible} are possible with {model}");

    private static InferBody BodyOf(IReadOnlyList<byte[]> texts, ModelVersion version, int? dimensions)
    {
        if (!EmbeddingSignature.IsOf(version.Signature))
        {
            throw new InvalidInferBodyException($"model: '{version.Model}' version {version.Version} does not embed text");
        }

        var possible = Array.Find(version.Signature.Outputs, o => o.Name == EmbeddingSignature.Embedding)!.Shape[^1];
        if (dimensions > possible && possible > 0)
        {
            throw TooManyDimensions(dimensions.Value, possible, $"{version.Model}:{version.Version}");
        }

        var data = new byte[texts.Sum(text => sizeof(uint) + text.Length)];
        var at = 0;
        foreach (var text in texts)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), (uint)text.Length);
            text.CopyTo(data, at + sizeof(uint));
            at += sizeof(uint) + text.Length;
        }

        return new InferBody(
            null, null, [new(EmbeddingSignature.Text, Datatype.Bytes, [texts.Count], data)],
            [EmbeddingSignature.Embedding, EmbeddingSignature.TokenCount])
        {
            Forms = OutputForms.Binary,
        };
    }
}

/// <summary>What a model made of texts.</summary>
/// <param name="Model">Which answered: <c>model:version</c>.</param>
internal sealed record Embedded(string Model, Tensor Embeddings, Tensor TokenCounts)
{
    /// <summary>Whether each of so many texts has an embedding and a count.</summary>
    public bool IsOf(int texts) =>
        Embeddings.Shape is [var rows, > 0] && rows == texts && TokenCounts.ElementCount == texts;

    public int Count => (int)Embeddings.Shape[0];

    public int Dimensions => (int)Embeddings.Shape[1];

    public long Tokens
    {
        get
        {
            var tokens = 0L;
            foreach (var count in MemoryMarshal.Cast<byte, long>(TokenCounts.Data.Span))
            {
                tokens += count;
            }

            return tokens;
        }
    }

    public ReadOnlySpan<float> Of(int text) =>
        MemoryMarshal.Cast<byte, float>(Embeddings.Data.Span).Slice(text * Dimensions, Dimensions);
}
