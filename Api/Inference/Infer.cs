using System.Globalization;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Caching;
using InferenceTemplate.Api.Features;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Core.Triton;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Inference;

/// <summary><c>POST /v2/models/{m}[/versions/{v}]/infer</c>: route, read, call, answer, record.</summary>
internal sealed class Infer(
    ModelCatalog catalog,
    InferInput input,
    ModelRouting routing,
    FallbackRouting fallbacks,
    CachedCalls calls,
    JobSubmission jobs,
    TenantGate gate,
    TenantLimiter limiter,
    InferRecords records,
    ShadowMirror shadows,
    FeatureSwitches features,
    TrafficMeter traffic,
    Telemetry telemetry,
    TritonMetrics triton,
    TimeProvider time)
{
    public async Task HandleAsync(HttpContext context, string model, string? version)
    {
        var receivedAt = time.GetUtcNow();
        var start = time.GetTimestamp();
        using var measured = traffic.Begin();

        if (await routing.RouteAsync(model, version, context.User, context.RequestAborted) is not { } routed)
        {
            var unknown = await ModelMetadataEndpoints.UnknownAsync(catalog, model, version, context.RequestAborted);
            await unknown.ExecuteAsync(context);
            return;
        }

        // A job is accepted whatever stands in the way of running it now.
        var asynchronous = JobSubmission.IsAskedFor(context.Request);
        routed = asynchronous ? routed : await fallbacks.RouteAsync(routed, context.RequestAborted);
        if (routed.Unavailable is { } unavailable)
        {
            records.Refused(routed.Version, time.GetElapsedTime(start));
            context.Response.Headers.RetryAfter = Math.Ceiling(unavailable.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            await RefuseAsync(
                context,
                routed.Version,
                StatusCodes.Status503ServiceUnavailable,
                $"no worker can load {routed.Version.Model}/{routed.Version.Version} now: {unavailable.Reason}",
                time.GetElapsedTime(start));
            return;
        }

        var tenant = await gate.FindAsync(context.User, context.RequestAborted);
        if (gate.RefusalWithoutAsking(tenant) is { } overLimit)
        {
            await RefuseAsync(context, routed.Version, tenant, overLimit, time.GetElapsedTime(start));
            return;
        }

        if (!asynchronous && calls.RefusalWithoutAsking(routed, context.Request.ContentLength) is { } refusal)
        {
            measured.End(time.GetElapsedTime(start), failed: true);
            records.Refused(routed.Version, time.GetElapsedTime(start));
            await RefuseAsync(context, routed.Version, tenant, refusal, time.GetElapsedTime(start));
            return;
        }

        InferBody body;
        try
        {
            body = await input.ReadAsync(context.Request, routed.Version, routed.Settings, context.RequestAborted);
        }
        catch (InvalidInferBodyException exception)
        {
            await RefuseAsync(context, routed.Version, StatusCodes.Status400BadRequest, exception.Message, time.GetElapsedTime(start));
            return;
        }
        catch (BadHttpRequestException exception)
        {
            await RefuseAsync(context, routed.Version, exception.StatusCode, exception.Message, time.GetElapsedTime(start));
            return;
        }

        var lowered = tenant.Limits.Lower(body.Priority) is var priority && priority != body.Priority;
        body = lowered ? body with { Priority = priority } : body;
        if (asynchronous)
        {
            await SubmitAsync(context, routed.Version, version, tenant, body, start);
            return;
        }

        var ended = await CallAsync(context, routed, tenant, body);
        if (ended.Result.Reply is { Outcome: ReplyOutcome.Unavailable }
            && await fallbacks.InsteadOfAsync(routed, context.RequestAborted) is { } instead)
        {
            // It was queued before anybody knew that it can't be loaded.
            routed = instead;
            var standing = ended.Result.Standing;
            ended = await CallAsync(context, routed, tenant.Uncounted(), body);
            ended = ended with { Result = ended.Result with { Standing = standing } };
        }

        var total = time.GetElapsedTime(start);
        measured.End(total, failed: ended.Result.Status >= 500);
        var parameters = records.Ended(context.User, routed, body, ended, receivedAt, total) with
        {
            Fallback = routed.Role == TrafficRole.Fallback ? $"{routed.Version.Model}/{routed.Version.Version}" : null,
            LoweredTo = lowered ? priority : null,
        };
        if (ended.Result.Status != InferenceCallResult.ClientClosedRequest)
        {
            RateLimitHeaders.Set(context.Response.Headers, tenant, ended.Result.Standing);
            await AnswerAsync(context, routed.Version, body, ended.Result, parameters);
        }

        if (ended is { CacheHit: not true, Result.Reply: { } reply, Result.Status: StatusCodes.Status200OK }
            && routed.Shadow is not null
            && await features.IsOnAsync(FeatureNames.ShadowTraffic, context.User.TenantId()))
        {
            shadows.Mirror(routed, context.User.TenantId(), body, reply);
        }
    }

    // Counted first, by a script of its own: the queue's admission comes later, and not for the caller.
    private async Task SubmitAsync(
        HttpContext context, ModelVersion version, string? requestedVersion, TenantAccount tenant, InferBody body, long start)
    {
        var (refusal, standing) = await gate.TakeAsync(tenant, context.RequestAborted);
        if (refusal is not null)
        {
            await RefuseAsync(context, version, tenant, refusal, time.GetElapsedTime(start));
            return;
        }

        RateLimitHeaders.Set(context.Response.Headers, tenant, standing);
        var accepted = false;
        try
        {
            var status = await jobs.AnswerAsync(context, version, requestedVersion, body);
            accepted = status == StatusCodes.Status202Accepted && !context.Response.Headers.ContainsKey(JobSubmission.Replayed);
            telemetry.Answered(version.Model, version.Version, status, time.GetElapsedTime(start));
        }
        finally
        {
            if (!accepted)
            {
                // It was a request, and no inference.
                limiter.Refund(tenant);
            }
        }
    }

    private async Task<CachedCallResult> CallAsync(HttpContext context, RoutedModel routed, TenantAccount tenant, InferBody body)
    {
        triton.Pending(routed.Version.Model, routed.Version.Version, 1);
        try
        {
            return await calls.CallAsync(
                routed, tenant, body, context.Request.ContentLength, context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return new(InferenceCallResult.Refused(InferenceCallResult.ClientClosedRequest, "the caller left"), null);
        }
        finally
        {
            triton.Pending(routed.Version.Model, routed.Version.Version, -1);
        }
    }

    private async Task RefuseAsync(HttpContext context, ModelVersion version, int status, string message, TimeSpan elapsed)
    {
        telemetry.Answered(version.Model, version.Version, status, elapsed);
        telemetry.Failed(version.Model, version.Version, ErrorKinds.Of(status));
        await OpenInferenceErrors.Error(status, message).ExecuteAsync(context);
    }

    private Task RefuseAsync(HttpContext context, ModelVersion version, TenantAccount tenant, InferenceCallResult refusal, TimeSpan elapsed)
    {
        SetRetryAfter(context, refusal);
        RateLimitHeaders.Set(context.Response.Headers, tenant, refusal.Standing);
        return RefuseAsync(context, version, refusal.Status, refusal.Error!, elapsed);
    }

    private static async Task AnswerAsync(
        HttpContext context, ModelVersion version, InferBody body, InferenceCallResult result, AnswerParameters parameters)
    {
        if (result.Status != StatusCodes.Status200OK)
        {
            SetRetryAfter(context, result);
            await OpenInferenceErrors.Error(result.Status, result.Error!).ExecuteAsync(context);
            return;
        }

        if (InferResponseWriter.Refusal(result.Reply!, body.Forms) is { } unwritable)
        {
            await OpenInferenceErrors.Error(StatusCodes.Status406NotAcceptable, unwritable).ExecuteAsync(context);
            return;
        }

        parameters.SetHeaders(context.Response.Headers);
        await InferAnswer.WriteAsync(context, version, body, result.Reply!, parameters);
    }

    private static void SetRetryAfter(HttpContext context, InferenceCallResult result)
    {
        if (result.Status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests)
        {
            context.Response.Headers.RetryAfter = result.RetryAfter.ToString(CultureInfo.InvariantCulture);
        }
    }
}

internal static class InferEndpoint
{
    public static void MapInfer(this IEndpointRouteBuilder v2, string model) => v2.MapPost(
        $"{model}/infer",
        (HttpContext context, string model, string? version, Infer infer) => infer.HandleAsync(context, model, version))
        .WithSummary("Inference")
        .WithDescription(
            "JSON, or JSON with raw tensors behind it, whose length Inference-Header-Content-Length says; 0 says that the body is nothing but the data of "
            + "the model's one input. May be compressed (Content-Encoding: gzip, deflate, br). With Prefer: respond-async it becomes a job.")
        .WithBody<InferRequestDocument>(InferExamples.Request, InferExamples.Response, "application/octet-stream")
        .Produces<InferAnswerDocument>(StatusCodes.Status200OK, "application/json", "application/octet-stream")
        .Produces(StatusCodes.Status202Accepted)
        .Produces<ErrorBody>(StatusCodes.Status415UnsupportedMediaType)
        .Produces<ErrorBody>(StatusCodes.Status422UnprocessableEntity)
        .Produces<ErrorBody>(StatusCodes.Status504GatewayTimeout);
}
