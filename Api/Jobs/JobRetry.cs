using System.Globalization;
using System.Security.Claims;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Features;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Api.Tenants;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data.Catalog;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// <c>POST /v1/jobs/{id}/retry</c>: a job that ended without a result is queued anew, under its id, with the time that it had at first. It
/// is held to the same limits as a submission.
/// </summary>
internal sealed class JobRetry(
    JobRequeue requeue, JobQueries queries, PendingJobs pending, FeatureSwitches features, ModelCatalog catalog, TenantGate gate,
    TenantLimiter limiter, AuditLog audit, IOptions<JobOptions> options)
{
    public async Task HandleAsync(Guid id, HttpContext context)
    {
        var (caller, cancellationToken) = (context.User, context.RequestAborted);
        var tenantId = caller.TenantId();
        if (await queries.FindAsync(tenantId, caller.Models(), id, cancellationToken) is not { } job)
        {
            await JobEndpoints.Unknown(id).ExecuteAsync(context);
            return;
        }

        if (!JobRequeue.MayBeRetried(job.State))
        {
            await RefuseAsync(context, StatusCodes.Status409Conflict, JobRequeue.WhyNot(job.State));
            return;
        }

        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        if (snapshot.Find(job.Model, job.Version) is not { } version)
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, snapshot.WhyNot(job.Model, job.Version));
            return;
        }

        if (!await features.IsOnAsync(FeatureNames.Jobs, tenantId))
        {
            await RefuseAsync(
                context, StatusCodes.Status503ServiceUnavailable, "jobs are switched off at present: try again later", retryAfter: 1);
            return;
        }

        var tenant = await gate.FindAsync(caller, cancellationToken);
        var refusal = gate.RefusalWithoutAsking(tenant, version);
        if (refusal is null)
        {
            (refusal, var standing) = await gate.TakeAsync(tenant, cancellationToken);
            RateLimitHeaders.Set(context.Response.Headers, tenant, standing ?? refusal?.Standing);
        }

        if (refusal is not null)
        {
            await RefuseAsync(context, refusal.Status, refusal.Error!, refusal.RetryAfter);
            return;
        }

        await QueueAsync(context, job, tenant);
    }

    private async Task QueueAsync(HttpContext context, JobFacts job, TenantAccount tenant)
    {
        var (queued, left) = (false, false);
        string? refusal = null;
        try
        {
            if (!await pending.HasRoomAsync(tenant.Id, context.RequestAborted))
            {
                refusal = $"the tenant '{tenant.Id}' has {options.Value.MaxPendingPerTenant} jobs queued or running, as many as it may: "
                    + "try again when some have finished";
            }
            else
            {
                queued = await requeue.TryAsync(tenant.Id, job.Id, tenant.Limits.Lower(job.Priority), context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // It may be queued all the same.
            left = true;
            throw;
        }
        finally
        {
            if (!queued && !left)
            {
                // It was a request, and no inference.
                await limiter.RefundAsync(tenant);
            }
        }

        if (refusal is not null)
        {
            await RefuseAsync(context, StatusCodes.Status429TooManyRequests, refusal, retryAfter: 1);
            return;
        }

        var now = await queries.FindAsync(tenant.Id, models: null, job.Id, context.RequestAborted);
        if (!queued)
        {
            // Another was faster, or it ended before requests were kept for this.
            await (now is null ? JobEndpoints.Unknown(job.Id) : JobEndpoints.Conflict(
                !JobRequeue.MayBeRetried(now.State) ? JobRequeue.WhyNot(now.State)
                : now.Attempt != job.Attempt ? "the job was retried by another, and has ended again"
                : $"the request of the job is no longer kept, since {options.Value.Retention} have passed: submit it anew"))
                .ExecuteAsync(context);
            return;
        }

        pending.Added(tenant.Id);
        Record(context.User, job);
        context.Response.Headers.Location = $"/v1/jobs/{job.Id}";
        await TypedResults.Json(JobView.Of(now ?? job), ApiJson.Default.JobView, statusCode: StatusCodes.Status202Accepted)
            .ExecuteAsync(context);
    }

    private void Record(ClaimsPrincipal caller, JobFacts job)
    {
        if (!caller.IsInRole(Roles.Admin))
        {
            return;
        }

        audit.Record(new AuditEvent(
            AuditActions.JobRetried, caller.Identity?.Name ?? "unknown", caller.TenantId(), job.Id.ToString(),
            new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["model"] = job.Model,
                ["version"] = job.Version,
                ["state"] = job.State.Name(),
            })
        {
            ActorTenantId = caller.TenantId(),
        });
    }

    private static Task RefuseAsync(HttpContext context, int status, string detail, int? retryAfter = null)
    {
        if (retryAfter is { } seconds)
        {
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        return TypedResults.Problem(detail, statusCode: status).ExecuteAsync(context);
    }
}
