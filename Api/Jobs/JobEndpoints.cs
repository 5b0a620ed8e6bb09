using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Core.Jobs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Jobs;

/// <summary>
/// <c>/v1/jobs</c>: a tenant's own durable jobs. Of others' an admin sees the list, which tells how they do and not what is in them.
/// </summary>
internal static class JobEndpoints
{
    private const int DefaultLimit = 50;
    private const int MaxLimit = 200;

    public static IServiceCollection AddJobsApi(this IServiceCollection services)
    {
        services.AddJobAcceptance();
        services.AddSingleton<JobSubmission>();
        services.AddSingleton<JobRetry>();
        services.AddSingleton<JobEvents>();
        return services;
    }

    public static void MapJobs(this IEndpointRouteBuilder endpoints)
    {
        var jobs = endpoints.MapGroup("/v1/jobs").RequireAuthorization(Policies.Infer);
        jobs.MapGet("/", ListAsync).WithSummary("Jobs of the own tenant, or for an admin of any, the newest first").Produces<JobPage>()
            .WithReadSlot();
        jobs.MapGet("/{id:guid}", GetAsync).WithSummary("A job").Produces<JobView>();
        jobs.MapDelete("/{id:guid}", DeleteAsync)
            .WithSummary("Delete a job that has ended, and its result").Produces(StatusCodes.Status204NoContent);
        jobs.MapPost("/{id:guid}/cancel", CancelAsync).WithSummary("Cancel a job").Produces<JobView>();
        jobs.MapPost("/{id:guid}/retry", (Guid id, HttpContext context, JobRetry retry) => retry.HandleAsync(id, context))
            .WithSummary("Queue a job anew that did not succeed")
            .Produces<JobView>(StatusCodes.Status202Accepted)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status429TooManyRequests);
        jobs.MapJobResult();
        jobs.MapJobEvents();
    }

    public static ProblemHttpResult Unknown(Guid id) =>
        TypedResults.Problem($"there is no job '{id}'", statusCode: StatusCodes.Status404NotFound);

    public static ProblemHttpResult Conflict(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status409Conflict);

    private static async Task<Results<JsonHttpResult<JobView>, ProblemHttpResult>> GetAsync(
        Guid id, ClaimsPrincipal caller, JobQueries queries, CancellationToken cancellationToken) =>
        await FindAsync(id, caller, queries, cancellationToken) is { } job ? Show(job) : Unknown(id);

    private static Task<JobFacts?> FindAsync(Guid id, ClaimsPrincipal caller, JobQueries queries, CancellationToken cancellationToken) =>
        queries.FindAsync(caller.TenantId(), caller.Models(), id, cancellationToken);

    private static async Task<Results<JsonHttpResult<JobView>, ProblemHttpResult>> CancelAsync(
        Guid id, ClaimsPrincipal caller, JobCancellation cancellation, JobQueries queries, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, caller, queries, cancellationToken) is null)
        {
            return Unknown(id);
        }

        await cancellation.CancelAsync(caller.TenantId(), id, cancellationToken);
        return await FindAsync(id, caller, queries, cancellationToken) is { } job ? Show(job) : Unknown(id);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, ClaimsPrincipal caller, JobDeletion deletion, JobQueries queries, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, caller, queries, cancellationToken) is null)
        {
            return Unknown(id);
        }

        if (await deletion.DeleteAsync(caller.TenantId(), id, cancellationToken))
        {
            return TypedResults.NoContent();
        }

        return await FindAsync(id, caller, queries, cancellationToken) is { } job
            ? Conflict($"the job is {job.State.Name()}: cancel it first")
            : Unknown(id);
    }

    private static async Task<Results<JsonHttpResult<JobPage>, ProblemHttpResult>> ListAsync(
        string? state, string? model, string? tenant, int? limit, string? cursor, ClaimsPrincipal caller, JobQueries queries,
        CancellationToken cancellationToken)
    {
        if (ListedTenant.Refusal(tenant, caller, "jobs") is { } refusal)
        {
            return refusal;
        }

        JobState? wanted = null;
        if (state is not null)
        {
            if (!JobStates.TryParse(state, out var parsed))
            {
                return Wrong(
                    $"state: '{state}' given, one of {string.Join(", ", Enum.GetValues<JobState>().Select(s => s.Name()))} expected");
            }

            wanted = parsed;
        }

        var count = limit ?? DefaultLimit;
        if (count is < 1 or > MaxLimit)
        {
            return Wrong($"limit: {count} given, 1 to {MaxLimit} expected");
        }

        Guid? before = null;
        if (cursor is not null)
        {
            if (!IdCursor.TryRead(cursor, out var id))
            {
                return Wrong($"cursor: '{cursor}' is not one that a list has given");
            }

            before = id;
        }

        // One more than asked for tells whether there are more.
        var jobs = await queries.ListAsync(
            ListedTenant.Of(tenant, caller), caller.Models(), wanted, model, before, count + 1, cancellationToken);
        var next = jobs.Count > count ? IdCursor.Of(jobs[count - 1].Id) : null;
        return TypedResults.Json(new JobPage([.. jobs.Take(count).Select(JobView.Of)], next), ApiJson.Default.JobPage);
    }

    private static JsonHttpResult<JobView> Show(JobFacts job) => TypedResults.Json(JobView.Of(job), ApiJson.Default.JobView);

    private static ProblemHttpResult Wrong(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);
}
