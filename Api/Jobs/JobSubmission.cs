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
    public const string RespondAsync = "respond-async";

    private const string IdempotencyKey = "Idempotency-Key";
    private const int MaxKeyLength = 255;

    public static bool IsAskedFor(HttpRequest request) => request.Headers["Prefer"] is { Count: > 0 } preferences && preferences
        .SelectMany(line => (line ?? "").Split(','))
        .Any(preference => string.Equals(preference.Split(';', '=')[0].Trim(), RespondAsync, StringComparison.OrdinalIgnoreCase));

    /// <summary>Accepts the job, or says why not; writes nothing.</summary>
    /// <param name="version">The one that answers.</param>
    /// <param name="requested">What the caller named; no version for none.</param>
    public async Task<JobAnswer> SubmitAsync(
        HttpContext context, ModelVersion version, (string Model, string? Version) requested, InferBody body)
    {
        var tenant = context.User.TenantId();
        if (!await features.IsOnAsync(FeatureNames.Jobs, tenant))
        {
            return JobAnswer.Refused(
                StatusCodes.Status503ServiceUnavailable,
                "jobs are switched off at present: call without 'Prefer: respond-async', or try again later");
        }

        string? key = null;
        if (context.Request.Headers.TryGetValue(IdempotencyKey, out var keys))
        {
            key = keys.ToString();
            if (key.Length is 0 or > MaxKeyLength || !key.All(c => c is >= ' ' and <= '~'))
            {
                return JobAnswer.Refused(
                    StatusCodes.Status400BadRequest, $"{IdempotencyKey}: 1 to {MaxKeyLength} printable ASCII characters expected");
            }
        }

        if (body.Id?.Contains('\0', StringComparison.Ordinal) == true)
        {
            return JobAnswer.Refused(StatusCodes.Status400BadRequest, "id: a job's can't contain the character U+0000");
        }

        if (body.Forms.HasClasses)
        {
            return JobAnswer.Refused(
                StatusCodes.Status400BadRequest,
                "outputs: a job keeps the outputs themselves; leave classification out, or 'Prefer: respond-async'");
        }

        // Nobody waits at a connection: those who do go first, unless the caller says otherwise.
        var priority = body.Priority == Priority.Normal ? Priority.Low : body.Priority;
        var accepted = await writer.AcceptAsync(
            new NewJob(
                tenant, version.Model, version.Version, priority, body.Inputs, body.Outputs, body.Timeout, body.Id,
                key, key is null ? null : JobFingerprint.Of(requested.Model, requested.Version, body),
                requested.Model == version.Model ? null : requested.Model),
            context.RequestAborted);
        return accepted.Outcome switch
        {
            JobAcceptanceOutcome.Accepted => JobAnswer.Accepted(accepted.Job!),
            JobAcceptanceOutcome.Replayed => await ReplayAsync(tenant, accepted.Id, context.RequestAborted),
            JobAcceptanceOutcome.KeyReused => JobAnswer.Refused(
                StatusCodes.Status422UnprocessableEntity, $"{IdempotencyKey}: '{key}' was used for another request"),
            JobAcceptanceOutcome.TooManyPending => JobAnswer.Refused(
                StatusCodes.Status429TooManyRequests,
                $"the tenant '{tenant}' has {options.Value.MaxPendingPerTenant} jobs queued or running, as many as it may: try again when some have finished"),
            _ => JobAnswer.Refused(
                StatusCodes.Status503ServiceUnavailable,
                $"too many jobs wait to be written (at most {options.Value.WriteBacklog} of {options.Value.WriteBacklogBytes} bytes together): try again later"),
        };
    }

    private async Task<JobAnswer> ReplayAsync(string tenant, Guid id, CancellationToken cancellationToken) =>
        // Forgotten this very moment, in the other case: then the key is free again.
        await queries.FindAsync(tenant, models: null, id, cancellationToken) is { } job
            ? JobAnswer.Accepted(job, replayed: true)
            : JobAnswer.Refused(StatusCodes.Status503ServiceUnavailable, "the job of this key has just expired: try again");
}
