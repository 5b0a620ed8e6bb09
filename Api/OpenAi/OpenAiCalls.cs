using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.OpenAi;

/// <summary>What calls by OpenAI's protocol share: how a model is named, and how one is refused.</summary>
internal sealed class OpenAiCalls(InferPipeline pipeline, TenantGate gate, IOptions<LimitOptions> limits, AuditLog audit)
{
    // What is repeated of a name that came in a body, and so may have any length.
    private const int MaxModel = 128;
    private const int MaxVersion = 64;

    private static ReadOnlySpan<byte> Utf8Mark => [0xEF, 0xBB, 0xBF];

    /// <summary>Reads a body of JSON; that of a tenant that may send nothing is not read.</summary>
    /// <param name="read">Makes the request of it, or throws <see cref="InvalidInferBodyException"/>.</param>
    /// <returns>Null where it was refused, which is answered already.</returns>
    public async Task<TRequest?> ReadAsync<TBody, TRequest>(HttpContext context, JsonTypeInfo<TBody> type, Func<TBody, TRequest> read)
        where TRequest : struct
    {
        var tenant = await gate.FindAsync(context.User, context.RequestAborted);
        if (gate.RefusalWithoutAsking(tenant) is { } refusal)
        {
            await RefuseAsync(context, InferOutcome.Of(refusal) with { Tenant = tenant });
            return null;
        }

        try
        {
            return read(await BodyAsync(context.Request, type));
        }
        catch (InvalidInferBodyException exception)
        {
            await OpenAiErrors.Error(StatusCodes.Status400BadRequest, exception.Message, OpenAiErrors.FieldOf(exception.Message))
                .ExecuteAsync(context);
        }
        catch (BadHttpRequestException exception)
        {
            await OpenAiErrors.Error(exception.StatusCode, exception.Message).ExecuteAsync(context);
        }

        return null;
    }

    private async Task<T> BodyAsync<T>(HttpRequest request, JsonTypeInfo<T> type)
    {
        using var body = await RequestBody.ReadAsync(request, limits.Value.MaxBodyBytes, request.HttpContext.RequestAborted);
        try
        {
            var json = body.Span.StartsWith(Utf8Mark) ? body.Span[Utf8Mark.Length..] : body.Span;
            return JsonSerializer.Deserialize(json, type) ?? throw new InvalidInferBodyException("the body is null");
        }
        catch (JsonException exception)
        {
            throw new InvalidInferBodyException(
                IsOfKind(exception) && exception.Path is ['$', '.', .. var field]
                    ? $"{field}: another kind of value expected"
                    : $"the body can't be read: {ReasonOf(exception)}");
        }
    }

    // Of a value of the wrong kind the message would name types of .NET; a text that is none is another matter.
    private static bool IsOfKind(JsonException exception) => exception.InnerException is FormatException
        || exception.InnerException?.Message.Contains("token type", StringComparison.Ordinal) == true;

    // Without the types of .NET that the message would name.
    private static string ReasonOf(JsonException exception) => exception.InnerException is InvalidOperationException && !IsOfKind(exception)
        ? "a name or a text is not UTF-8, or has half a surrogate pair"
        : exception.Message.Split(" encountered")[0];

    /// <param name="model">A model, or <c>model:version</c>, an alias being a version too.</param>
    /// <param name="bodyOf">The request that a version is given.</param>
    /// <returns>Null where it was refused, which is answered already, or the caller left.</returns>
    public async Task<(AdmittedRequest Request, InferBody Body)?> AdmitAsync(
        HttpContext context, string model, Func<ModelVersion, ModelSettings, InferBody> bodyOf)
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
            await RefuseAsync(context, refused!, refused!.Status == StatusCodes.Status404NotFound ? "model" : null);
            return null;
        }

        var (body, unreadable) = await pipeline.ReadAsync(request, bodyOf, static (source, routed) => new(
            InferInput.Fitting(source(routed.Version, routed.Settings), routed.Version, routed.Settings)));
        if (body is null)
        {
            await RefuseAsync(context, unreadable!, "model");
            return null;
        }

        return (request, body);
    }

    /// <param name="param">The field that is wrong; null for the one that the message is about, if any.</param>
    public static async Task RefuseAsync(HttpContext context, InferOutcome outcome, string? param = null)
    {
        if (outcome.Status == InferenceCallResult.ClientClosedRequest)
        {
            return;
        }

        if (outcome.Tenant is { } tenant)
        {
            RateLimitHeaders.Set(context.Response.Headers, tenant, outcome.Standing);
        }

        if (outcome.Status == StatusCodes.Status504GatewayTimeout || OpenAiErrors.IsQuota(outcome.Status, outcome.Error!))
        {
            // What took too long would take as long again. And some of OpenAI's clients wait as long as Retry-After says, be it a month;
            // the others know this header.
            context.Response.Headers["x-should-retry"] = "false";
        }
        else if (outcome.RetryAfter is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        await OpenAiErrors.Error(outcome.Status, outcome.Error!, param ?? OpenAiErrors.FieldOf(outcome.Error!)).ExecuteAsync(context);
    }

    /// <summary>What an answer says of itself beside its body.</summary>
    public static void SetHeaders(HttpContext context, InferOutcome outcome)
    {
        RateLimitHeaders.Set(context.Response.Headers, outcome.Tenant!, outcome.Standing);
        outcome.Parameters!.SetHeaders(context.Response.Headers);
    }
}

internal static class OpenAiRegistration
{
    public static IServiceCollection AddOpenAi(this IServiceCollection services)
    {
        services.PostConfigure<ProblemDetailsOptions>(options => options.CustomizeProblemDetails += OpenAiErrors.AddTo);
        return services.AddSingleton<OpenAiCalls>();
    }
}
