using System.Diagnostics;
using System.Security.Claims;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Api.Payloads;
using InferenceTemplate.Api.Predictions;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Api.Usage;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Statistics;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Core.Triton;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Inference;

/// <summary>
/// Puts down how a call ended: its price, metrics, the counts that decide over canaries, the prediction record. Nothing here waits.
/// </summary>
internal sealed class InferRecords(
    TrafficOutcomes outcomes, PredictionRecorder predictions, PayloadRecorder payloads, RejectionSample rejections, UsageAccumulator usage,
    TenantTelemetry tenants, Telemetry telemetry, DriftSampler drift, TritonMetrics triton, ModelStatistics statistics,
    IOptions<CostOptions> costs, TimeProvider time)
{
    /// <param name="refusal">Why the caller is answered 400 though the model ran; null where it is not.</param>
    /// <returns>What the answer says of itself.</returns>
    public AnswerParameters Ended(
        ClaimsPrincipal caller, RoutedModel routed, InferBody body, InferenceCallResult result, string? refusal, DateTimeOffset receivedAt,
        TimeSpan total)
    {
        var (model, version) = (routed.Version.Model, routed.Version.Version);
        var hit = result.CacheHit == true;

        // A cached response tells of the run that made it; this request has had none.
        var reply = hit ? null : result.Reply;
        var used = result.Status != StatusCodes.Status200OK && body.Parts is { Count: > 0 } parts
            ? UsedBeforeEnd(parts, routed.Settings)
            : UsedBy(routed.Version, routed.Settings, body.Inputs, reply);
        var parameters = new AnswerParameters(
            reply?.QueueTime ?? default, reply?.ComputeTime ?? default, reply?.BatchSize ?? 0,
            used.Cost, costs.Value.Currency, result.CacheHit)
        {
            Fallback = routed.Role == TrafficRole.Fallback ? $"{model}/{version}" : null,
            LoweredTo = body.IsLowered ? body.Priority : null,
        };

        telemetry.Answered(model, version, result.Status, total);
        telemetry.Failed(model, version, ErrorKinds.Of(result.Status, result.Reply));
        telemetry.Cost(model, version, routed.Role.Name(), parameters.Cost, parameters.Currency);
        triton.Answered(model, version, FailureReason(result), total, parameters.Queue, parameters.Compute);
        statistics.Ended(
            model, version, result.Status == StatusCodes.Status200OK, total,
            reply?.Outcome == ReplyOutcome.Completed ? reply.QueueTime : null,
            parameters.Compute, result.CacheHit);
        if (routed.Role is TrafficRole.Stable or TrafficRole.Canary && !hit && result.IsOfModel)
        {
            var computed = reply?.Outcome == ReplyOutcome.Completed ? reply.ComputeTime : (TimeSpan?)null;
            outcomes.Record(model, version, routed.Settings.Traffic.Since, new(result.IsFaultOfModel, computed, total, parameters.Cost));
        }

        if (result is { Status: StatusCodes.Status200OK, Reply: { } answer })
        {
            drift.Take(routed, body.Inputs, answer.Outputs);
        }

        if (result.IsOfModel || result.Status == InferenceCallResult.ClientClosedRequest)
        {
            var failed = result.Status != StatusCodes.Status200OK;
            usage.Record(caller.TenantId(), model, version, failed, hit, used);
            tenants.Tokens(caller.TenantId(), used.Tokens);
            tenants.Inference(caller.TenantId(), failed ? "failed" : hit ? "cached" : "succeeded", used.Cost, parameters.Currency);
        }

        var rejected = !hit && !result.IsOfModel
            && result.Status is not (StatusCodes.Status200OK or InferenceCallResult.ClientClosedRequest);
        if (rejected && !rejections.Take(caller.TenantId()))
        {
            return parameters;
        }

        var record = new Prediction
        {
            Id = Guid.CreateVersion7(receivedAt),
            ReceivedAt = receivedAt,
            TenantId = caller.TenantId(),
            Model = model,
            Version = version,
            Status = (short)(refusal is null ? result.Status : StatusCodes.Status400BadRequest),
            BatchSize = parameters.BatchSize,
            QueueMicroseconds = (long)parameters.Queue.TotalMicroseconds,
            ComputeMicroseconds = (long)parameters.Compute.TotalMicroseconds,
            TotalMicroseconds = (long)total.TotalMicroseconds,
            Role = routed.Role.Name(),
            Priority = body.Priority.Name(),
            CacheHit = hit,
            Cost = parameters.Cost,
            Worker = reply?.Worker,
            TraceId = Activity.Current?.TraceId.ToHexString(),
            Error = Fitting(refusal ?? result.Error),
        };
        predictions.Record(record);
        payloads.Take(record, routed, body.Inputs, result.Status == StatusCodes.Status200OK ? result.Reply?.Outputs ?? [] : []);
        return parameters;
    }

    /// <summary>Records a request that was rejected before its call.</summary>
    public void Rejected(ClaimsPrincipal caller, RoutedModel routed, InferOutcome rejection, DateTimeOffset receivedAt, TimeSpan total)
    {
        if (!rejections.Take(caller.TenantId()))
        {
            return;
        }

        predictions.Record(new Prediction
        {
            Id = Guid.CreateVersion7(receivedAt),
            ReceivedAt = receivedAt,
            TenantId = caller.TenantId(),
            Model = routed.Version.Model,
            Version = routed.Version.Version,
            Status = (short)rejection.Status,
            TotalMicroseconds = (long)total.TotalMicroseconds,
            Role = routed.Role.Name(),
            Priority = "",
            TraceId = Activity.Current?.TraceId.ToHexString(),
            Error = Fitting(rejection.Error),
        });
    }

    /// <summary>Puts down a request that was refused before it was read, since nobody could have run it.</summary>
    public void Refused(ModelVersion version, TimeSpan total) =>
        statistics.Ended(version.Model, version.Version, succeeded: false, total);

    /// <summary>Puts down a repetition on a shadow version; no caller waited for it.</summary>
    /// <param name="reply">Null where it gave no answer.</param>
    public void Mirrored(
        ModelVersion shadow, ModelSettings settings, string tenant, Tensor[] inputs, InferenceReply? reply, TimeSpan total)
    {
        // The operator's own trial: no use of the tenant's.
        var cost = UsedBy(shadow, settings, inputs, reply).Cost;
        telemetry.Cost(shadow.Model, shadow.Version, TrafficRole.Shadow.Name(), cost, costs.Value.Currency);
        statistics.Ended(shadow.Model, shadow.Version, reply is not null, total, reply?.QueueTime, reply?.ComputeTime ?? default);
        outcomes.Record(shadow.Model, shadow.Version, settings.Traffic.Since, new(reply is null, reply?.ComputeTime, total, cost));
        predictions.Record(new Prediction
        {
            Id = Guid.CreateVersion7(time.GetUtcNow()),
            ReceivedAt = time.GetUtcNow() - total,
            TenantId = tenant,
            Model = shadow.Model,
            Version = shadow.Version,
            Status = (short)(reply is null ? StatusCodes.Status500InternalServerError : StatusCodes.Status200OK),
            BatchSize = reply?.BatchSize ?? 0,
            QueueMicroseconds = (long)(reply?.QueueTime.TotalMicroseconds ?? 0),
            ComputeMicroseconds = (long)(reply?.ComputeTime.TotalMicroseconds ?? 0),
            TotalMicroseconds = (long)total.TotalMicroseconds,
            Role = TrafficRole.Shadow.Name(),
            Priority = Priority.Shadow.Name(),
            Cost = cost,
            Worker = reply?.Worker,
            Error = reply is null ? "the shadow version gave no result" : null,
        });
    }

    private UsedDevice UsedBy(ModelVersion version, ModelSettings settings, Tensor[] inputs, InferenceReply? reply) => reply is null
        ? default
        : CostShare.Used(version.Signature, settings, inputs, reply, costs.Value.PricePerDeviceHour);

    // Of a stream that its caller left, or that broke off, there were parts, each of which is a token or more.
    private static UsedDevice UsedBeforeEnd(AnswerParts parts, ModelSettings settings)
    {
        var tokens = new TokenUse(0, parts.Count);
        return new UsedDevice(0, CostShare.OfTokens(tokens, settings)) { Tokens = tokens };
    }

    private static string? Fitting(string? error) => error is null ? null : AuditText.Fit(error, Prediction.MaxError);

    private static string? FailureReason(InferenceCallResult result) => result.Status switch
    {
        StatusCodes.Status200OK => null,
        InferenceCallResult.ClientClosedRequest => "CANCELED",
        StatusCodes.Status503ServiceUnavailable => "REJECTED",
        _ => result.Reply is { Outcome: ReplyOutcome.Failed } ? "BACKEND" : "OTHER",
    };
}
