using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Embeddings;

/// <summary>
/// Has texts embedded by the same call as <c>POST /v2/models/{m}/infer</c> would: its limits, cache, batches and records are those of any
/// other.
/// </summary>
internal sealed class EmbeddingCalls(InferPipeline pipeline, TenantGate gate, IOptions<LimitOptions> limits, AuditLog audit)
{
    // What is repeated of a name that came in a body, and so may have any length.
    private const int MaxModel = 128;
    private const int MaxVersion = 64;

    /// <summary>Asks what needs no body: that of a tenant that may send nothing is not read.</summary>
    /// <returns>False where it was refused, which is answered already.</returns>
    public async Task<bool> MayAskAsync(HttpContext context)
    {
        var tenant = await gate.FindAsync(context.User, context.RequestAborted);
        if (gate.RefusalWithoutAsking(tenant) is not { } refusal)
        {
            return true;
        }

        await RefuseAsync(context, InferOutcome.Of(refusal) with { Tenant = tenant }, null);
        return false;
    }

    /// <summary>Reads a body of JSON.</summary>
    /// <exception cref="InvalidInferBodyException">It is none of this form; the message says why.</exception>
    /// <exception cref="BadHttpRequestException">It is too large, ended too early, or is compressed in an unknown way.</exception>
    public async Task<T> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type)
    {
        using var body = await RequestBody.ReadAsync(request, limits.Value.MaxBodyBytes, request.HttpContext.RequestAborted);
        try
        {
            return JsonSerializer.Deserialize(body.Span, type) ?? throw new InvalidInferBodyException("the body is null");
        }
        catch (JsonException exception)
        {
            throw new InvalidInferBodyException($"the body can't be read: {exception.Message}");
        }
    }

    /// <param name="model">A model, or <c>model:version</c>, an alias being a version too.</param>
    /// <param name="placeOf">Where in the request a text is, for errors.</param>
    /// <returns>Null where it was refused, which is answered already, or the caller left.</returns>
    public async Task<Embedded?> EmbedAsync(HttpContext context, string model, IReadOnlyList<string> texts, Func<int, string> placeOf)
    {
        var (name, version) = model.Split(':', 2) is [var before, var after] ? (before, after) : (model, null);
        if (!ModelNames.IsModel(name) || version?.Length > MaxVersion)
        {
            var shown = CatalogSnapshot.Empty.WhyNot(
                AuditText.Fit(name, MaxModel), version is null ? null : AuditText.Fit(version, MaxVersion));
            await OpenAiErrors.Error(StatusCodes.Status404NotFound, shown, "model").ExecuteAsync(context);
            return null;
        }

        if (!context.User.MayUse(name))
        {
            RefusalAudit.Denied(audit, context, name, "the model is not among those that the caller may use");
            await OpenAiErrors.Error(StatusCodes.Status404NotFound, CatalogSnapshot.Empty.WhyNot(name, version), "model")
                .ExecuteAsync(context);
            return null;
        }

        var (request, refused) = await pipeline.AdmitAsync(
            context.User, name, version, waits: true, context.Request.ContentLength, context.RequestAborted);
        if (request is null)
        {
            return await RefuseAsync(context, refused!, refused!.Status == StatusCodes.Status404NotFound ? "model" : null);
        }

        var routed = request.Routed;
        var (body, unreadable) = await pipeline.ReadAsync(
            request, () => Task.FromResult(BodyOf(texts, routed.Version, routed.Settings)));
        if (body is null)
        {
            return await RefuseAsync(context, unreadable!, "model");
        }

        var outcome = await pipeline.RunAsync(request, body, deadline: null, context.RequestAborted);
        if (outcome.Status != StatusCodes.Status200OK)
        {
            if (EmbeddingSignature.RefusedText(outcome.Error!) is not { } refusedText)
            {
                return await RefuseAsync(context, outcome, null);
            }

            var place = placeOf(refusedText.Text);
            return await RefuseAsync(context, outcome with { Error = $"{place} {refusedText.Reason}" }, place);
        }

        RateLimitHeaders.Set(context.Response.Headers, outcome.Tenant!, outcome.Standing);
        outcome.Parameters!.SetHeaders(context.Response.Headers);
        Tensor Output(string output) => outcome.Reply!.Outputs.First(o => o.Name == output);
        var embedded = new Embedded(
            $"{outcome.Version!.Model}:{outcome.Version.Version}",
            Output(EmbeddingSignature.Embedding),
            Output(EmbeddingSignature.TokenCount));
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

    private static async Task<Embedded?> RefuseAsync(HttpContext context, InferOutcome outcome, string? param)
    {
        if (outcome.Status == InferenceCallResult.ClientClosedRequest)
        {
            return null;
        }

        if (outcome.Tenant is { } tenant)
        {
            RateLimitHeaders.Set(context.Response.Headers, tenant, outcome.Standing);
        }

        if (outcome.RetryAfter is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        await OpenAiErrors.Error(outcome.Status, outcome.Error!, param).ExecuteAsync(context);
        return null;
    }

    private static InferBody BodyOf(IReadOnlyList<string> texts, ModelVersion version, ModelSettings settings)
    {
        if (!EmbeddingSignature.IsOf(version.Signature))
        {
            throw new InvalidInferBodyException($"model: '{version.Model}' version {version.Version} does not embed text");
        }

        var data = new byte[texts.Sum(text => sizeof(uint) + Encoding.UTF8.GetByteCount(text))];
        var at = 0;
        foreach (var text in texts)
        {
            var length = Encoding.UTF8.GetBytes(text, data.AsSpan(at + sizeof(uint)));
            BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(at), (uint)length);
            at += sizeof(uint) + length;
        }

        var body = new InferBody(
            null, null, [new(EmbeddingSignature.Text, Datatype.Bytes, [texts.Count], data)],
            [EmbeddingSignature.Embedding, EmbeddingSignature.TokenCount])
        {
            Forms = OutputForms.Binary,
        };
        return InferInput.Fitting(body, version, settings);
    }
}

/// <summary>What a model made of texts.</summary>
/// <param name="Model">Which answered: <c>model:version</c>.</param>
internal sealed record Embedded(string Model, Tensor Embeddings, Tensor TokenCounts)
{
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
