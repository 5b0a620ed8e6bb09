using System.Globalization;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Inference;

/// <summary><c>POST /v2/models/{m}[/versions/{v}]/infer</c>: the pipeline over REST, or the same request as a job.</summary>
internal sealed class Infer(
    InferPipeline pipeline, InferInput input, JobSubmission jobs, TenantGate gate, TenantLimiter limiter, Telemetry telemetry,
    TimeProvider time)
{
    public async Task HandleAsync(HttpContext context, string model, string? version)
    {
        var asynchronous = JobSubmission.IsAskedFor(context.Request);
        var (request, refused) = await pipeline.AdmitAsync(
            context.User, model, version, waits: !asynchronous, context.Request.ContentLength, context.RequestAborted);
        if (request is null)
        {
            await AnswerAsync(context, refused!);
            return;
        }

        var (body, unreadable) = await pipeline.ReadAsync(
            request, (Input: input, Context: context), static (source, routed) => source.Input.ReadAsync(
                source.Context.Request, routed.Version, routed.Settings, source.Context.RequestAborted));
        if (body is null)
        {
            await AnswerAsync(context, unreadable!);
        }
        else if (asynchronous)
        {
            await SubmitAsync(context, request, (model, version), body);
        }
        else
        {
            await AnswerAsync(context, await pipeline.RunAsync(request, body, deadline: null, context.RequestAborted));
        }
    }

    // Counted first, by a script of its own: the queue's admission comes later, and not for the caller.
    private async Task SubmitAsync(
        HttpContext context, AdmittedRequest request, (string Model, string? Version) requested, InferBody body)
    {
        var (tenant, version) = (request.Tenant, request.Routed.Version);
        var (refusal, standing) = await gate.TakeAsync(tenant, context.RequestAborted);
        if (refusal is not null)
        {
            await AnswerAsync(context, pipeline.Refused(request, refusal));
            return;
        }

        RateLimitHeaders.Set(context.Response.Headers, tenant, standing);
        if (request.Routed.Role == TrafficRole.Fallback)
        {
            context.Response.Headers[AnswerParameters.FallbackHeader] = $"{version.Model}/{version.Version}";
        }

        JobAnswer? answer = null;
        var left = false;
        try
        {
            answer = await jobs.SubmitAsync(context, version, requested, body);
        }
        catch (OperationCanceledException)
        {
            // The job may be committed all the same.
            left = true;
            throw;
        }
        finally
        {
            if (!left && answer is not { IsNewJob: true })
            {
                // It was a request, and no inference. Before the answer: the tenant's next request may be its last one.
                await limiter.RefundAsync(tenant);
            }
        }

        telemetry.Answered(version.Model, version.Version, answer.Status, time.GetElapsedTime(request.Start));
        await answer.WriteAsync(context);
    }

    private static async Task AnswerAsync(HttpContext context, InferOutcome outcome)
    {
        if (outcome.Status == InferenceCallResult.ClientClosedRequest)
        {
            return;
        }

        if (outcome.Tenant is { } tenant)
        {
            RateLimitHeaders.Set(context.Response.Headers, tenant, outcome.Standing);
        }

        if (outcome.RetryAfter is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (outcome.Status != StatusCodes.Status200OK)
        {
            await OpenInferenceErrors.Error(outcome.Status, outcome.Error!).ExecuteAsync(context);
            return;
        }

        if (InferResponseWriter.Refusal(outcome.Reply!, outcome.Body!.Forms) is { } unwritable)
        {
            await OpenInferenceErrors.Error(StatusCodes.Status406NotAcceptable, unwritable).ExecuteAsync(context);
            return;
        }

        outcome.Parameters!.SetHeaders(context.Response.Headers);
        await InferAnswer.WriteAsync(context, outcome.Version!, outcome.Body, outcome.Reply!, outcome.Parameters);
    }
}

internal static class InferEndpoint
{
    public static void MapInfer(this IEndpointRouteBuilder v2, string model)
    {
        // Not of the request's services: those are made for each request that asks them.
        var infer = new Lazy<Infer>(v2.ServiceProvider.GetRequiredService<Infer>);
        v2.MapPost(
            $"{model}/infer",
            (HttpContext context, string model, string? version) => infer.Value.HandleAsync(context, model, version))
            .WithSummary("Inference")
            .WithDescription(
                "JSON, or JSON with raw tensors behind it, whose length Inference-Header-Content-Length says; 0 says that the body is nothing but the data of "
                + "the model's one input. May be compressed (Content-Encoding: gzip, deflate, br). With Prefer: respond-async it becomes a job.")
            .WithMetadata(new CountedAsTraffic())
            .WithBody<InferRequestDocument>(InferExamples.Request, InferExamples.Response, "application/octet-stream")
            .Produces<InferAnswerDocument>(StatusCodes.Status200OK, "application/json", "application/octet-stream")
            .Produces(StatusCodes.Status202Accepted)
            .Produces<ErrorBody>(StatusCodes.Status415UnsupportedMediaType)
            .Produces<ErrorBody>(StatusCodes.Status422UnprocessableEntity)
            .Produces<ErrorBody>(StatusCodes.Status504GatewayTimeout);
    }
}
