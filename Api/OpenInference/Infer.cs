using System.Diagnostics;
using System.Security.Claims;
using InferenceTemplate.Api.Overview;
using InferenceTemplate.Api.Predictions;
using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Identity;
using InferenceTemplate.Inference.Store;
using InferenceTemplate.Inference.Tensors;

namespace InferenceTemplate.Api.OpenInference;

/// <summary><c>POST /v2/models/{m}[/versions/{v}]/infer</c>.</summary>
internal sealed class Infer(
    ModelCatalog catalog, InferenceCalls calls, TrafficMeter traffic, PredictionRecorder predictions, Telemetry telemetry, TimeProvider time)
{
    // A caller that left gets no answer; this is how its request is counted (the status that nginx gave such requests).
    private const int ClientClosedRequest = 499;

    public async Task HandleAsync(HttpContext context, string model, string? version)
    {
        var receivedAt = time.GetUtcNow();
        var start = time.GetTimestamp();
        using var measured = traffic.Begin();

        if (await catalog.FindAsync(model, version, context.RequestAborted) is not { } found)
        {
            await ModelMetadataEndpoints.Unknown(model, version).ExecuteAsync(context);
            return;
        }

        InferBody body;
        try
        {
            body = await InferRequest.ReadAsync(context.Request, found, context.RequestAborted);
            if (SignatureValidator.Validate(found.Signature, body.Inputs, body.Outputs) is { } problem)
            {
                throw new InvalidInferBodyException(problem);
            }

            RefuseHalfPrecisionOutputs(found, body);
        }
        catch (InvalidInferBodyException exception)
        {
            telemetry.Answered(found.Model, found.Version, StatusCodes.Status400BadRequest, time.GetElapsedTime(start));
            await OpenInferenceErrors.Error(StatusCodes.Status400BadRequest, exception.Message).ExecuteAsync(context);
            return;
        }
        catch (BadHttpRequestException exception)
        {
            telemetry.Answered(found.Model, found.Version, exception.StatusCode, time.GetElapsedTime(start));
            await OpenInferenceErrors.Error(exception.StatusCode, exception.Message).ExecuteAsync(context);
            return;
        }

        InferenceCallResult result;
        try
        {
            result = await calls.CallAsync(found, context.User.TenantId(), body.Inputs, body.Outputs, body.Timeout, context.RequestAborted);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            result = InferenceCallResult.Refused(ClientClosedRequest, "the caller left");
        }

        var total = time.GetElapsedTime(start);
        measured.End(total, failed: result.Status >= 500);
        telemetry.Answered(found.Model, found.Version, result.Status, total);
        predictions.Record(ToPrediction(context.User, found, result, receivedAt, total));
        if (result.Status != ClientClosedRequest)
        {
            await AnswerAsync(context, found, body, result);
        }
    }

    private static async Task AnswerAsync(HttpContext context, ModelVersion version, InferBody body, InferenceCallResult result)
    {
        if (result.Status != StatusCodes.Status200OK)
        {
            if (result.Status == StatusCodes.Status503ServiceUnavailable)
            {
                context.Response.Headers.RetryAfter = "1";
            }

            await OpenInferenceErrors.Error(result.Status, result.Error!).ExecuteAsync(context);
            return;
        }

        await InferAnswer.WriteAsync(context, version, body, result.Reply!);
    }

    private static void RefuseHalfPrecisionOutputs(ModelVersion version, InferBody body)
    {
        var half = version.Signature.Outputs.FirstOrDefault(o => o.Datatype is Datatype.Fp16 or Datatype.Bf16
            && !body.Forms.IsBinary(o.Name)
            && (body.Outputs.Length == 0 || body.Outputs.Contains(o.Name, StringComparer.Ordinal)));
        if (half is not null)
        {
            throw new InvalidInferBodyException(
                $"outputs: '{half.Name}' is {half.Datatype.Name()}, which can't be answered as JSON numbers; ask for it as binary data, or for other outputs");
        }
    }

    private static Prediction ToPrediction(
        ClaimsPrincipal caller, ModelVersion version, InferenceCallResult result, DateTimeOffset receivedAt, TimeSpan total) => new()
        {
            Id = Guid.CreateVersion7(receivedAt),
            ReceivedAt = receivedAt,
            TenantId = caller.TenantId(),
            Model = version.Model,
            Version = version.Version,
            Status = (short)result.Status,
            BatchSize = result.Reply?.BatchSize ?? 0,
            QueueMicroseconds = (long)(result.Reply?.QueueTime.TotalMicroseconds ?? 0),
            ComputeMicroseconds = (long)(result.Reply?.ComputeTime.TotalMicroseconds ?? 0),
            TotalMicroseconds = (long)total.TotalMicroseconds,
            Worker = result.Reply?.Worker,
            TraceId = Activity.Current?.TraceId.ToHexString(),
        };
}

internal static class InferEndpoint
{
    public static void MapInfer(this IEndpointRouteBuilder v2, string model) => v2.MapPost(
        $"{model}/infer",
        (HttpContext context, string model, string? version, Infer infer) => infer.HandleAsync(context, model, version));
}
