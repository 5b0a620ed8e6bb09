using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Features;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// An inference request with <c>Prefer: respond-async</c> (RFC 7240): the same request, answered 202 with a job once it is
/// committed.
/// </summary>
internal sealed class JobSubmission(JobWriter writer, JobQueries queries, FeatureSwitches features, IOptions<JobOptions> options)
{
    /// <summary>The header of an answer that is an earlier job's.</summary>
    public const string Replayed = "Idempotency-Replayed";

    private const string RespondAsync = "respond-async";
    private const string IdempotencyKey = "Idempotency-Key";
    private const int MaxKeyLength = 255;

    public static bool IsAskedFor(HttpRequest request) => request.Headers["Prefer"]
        .SelectMany(line => (line ?? "").Split(','))
        .Any(preference => string.Equals(preference.Split(';', '=')[0].Trim(), RespondAsync, StringComparison.OrdinalIgnoreCase));

    /// <summary>Accepts the job, or says why not; returns the status.</summary>
    /// <param name="version">The one that answers.</param>
    /// <param name="requestedVersion">The one that the caller named; null for none.</param>
    public async Task<int> AnswerAsync(HttpContext context, ModelVersion version, string? requestedVersion, InferBody body)
    {
        var tenant = context.User.TenantId();
        if (!await features.IsOnAsync(FeatureNames.Jobs, tenant))
        {
            return await RefuseAsync(
                context, StatusCodes.Status503ServiceUnavailable,
                "jobs are switched off at present: call without 'Prefer: respond-async', or try again later");
        }

        string? key = null;
        if (context.Request.Headers.TryGetValue(IdempotencyKey, out var keys))
        {
            key = keys.ToString();
            if (key.Length is 0 or > MaxKeyLength || !key.All(c => c is >= ' ' and <= '~'))
            {
                return await RefuseAsync(
                    context, StatusCodes.Status400BadRequest, $"{IdempotencyKey}: 1 to {MaxKeyLength} printable ASCII characters expected");
            }
        }

        if (body.Id?.Contains('\0', StringComparison.Ordinal) == true)
        {
            return await RefuseAsync(context, StatusCodes.Status400BadRequest, "id: a job's can't contain the character U+0000");
        }

        if (body.Forms.HasClasses)
        {
            return await RefuseAsync(
                context, StatusCodes.Status400BadRequest,
                "outputs: a job keeps the outputs themselves; leave classification out, or 'Prefer: respond-async'");
        }

        // Nobody waits at a connection: those who do go first, unless the caller says otherwise.
        var priority = body.Priority == Priority.Normal ? Priority.Low : body.Priority;
        var accepted = await writer.AcceptAsync(
            new NewJob(
                tenant, version.Model, version.Version, priority, body.Inputs, body.Outputs, body.Timeout, body.Id,
                key, key is null ? null : JobFingerprint.Of(version.Model, requestedVersion, body)),
            context.RequestAborted);
        return accepted.Outcome switch
        {
            JobAcceptanceOutcome.Accepted => await AcceptAsync(context, accepted.Job!),
            JobAcceptanceOutcome.Replayed => await ReplayAsync(context, tenant, accepted.Id),
            JobAcceptanceOutcome.KeyReused => await RefuseAsync(
                context, StatusCodes.Status422UnprocessableEntity, $"{IdempotencyKey}: '{key}' was used for another request"),
            JobAcceptanceOutcome.TooManyPending => await RefuseAsync(
                context,
                StatusCodes.Status429TooManyRequests,
                $"the tenant '{tenant}' has {options.Value.MaxPendingPerTenant} jobs queued or running, as many as it may: try again when some have finished"),
            _ => await RefuseAsync(
                context,
                StatusCodes.Status503ServiceUnavailable,
                $"too many jobs wait to be written (at most {options.Value.WriteBacklog} of {options.Value.WriteBacklogBytes} bytes together): try again later"),
        };
    }

    private static async Task<int> AcceptAsync(HttpContext context, JobFacts job)
    {
        context.Response.StatusCode = StatusCodes.Status202Accepted;
        context.Response.Headers.Location = $"/v1/jobs/{job.Id}";
        context.Response.Headers["Preference-Applied"] = RespondAsync;
        await context.Response.WriteAsJsonAsync(JobView.Of(job), ApiJson.Default.JobView, cancellationToken: context.RequestAborted);
        return StatusCodes.Status202Accepted;
    }

    private async Task<int> ReplayAsync(HttpContext context, string tenant, Guid id)
    {
        // Forgotten this very moment, in the other case: then the key is free again.
        if (await queries.FindAsync(tenant, id, context.RequestAborted) is not { } job)
        {
            return await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "the job of this key has just expired: try again");
        }

        context.Response.Headers[Replayed] = "true";
        return await AcceptAsync(context, job);
    }

    private static async Task<int> RefuseAsync(HttpContext context, int status, string error)
    {
        if (status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = "1";
        }

        await OpenInferenceErrors.Error(status, error).ExecuteAsync(context);
        return status;
    }
}
