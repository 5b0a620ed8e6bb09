using System.Security.Claims;
using InferenceTemplate.Api.OpenInference;
using InferenceTemplate.Inference.Identity;
using InferenceTemplate.Inference.Jobs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Jobs;

/// <summary><c>GET /v1/jobs/{id}/result</c>: what the synchronous call would have answered.</summary>
internal static class JobResultEndpoint
{
    public static void MapJobResult(this IEndpointRouteBuilder jobs) => jobs.MapGet("/{id:guid}/result", HandleAsync)
        .WithSummary("What the call would have answered")
        .Produces<InferAnswerDocument>()
        .ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status410Gone);

    private static async Task HandleAsync(
        Guid id, HttpContext context, ClaimsPrincipal caller, JobQueries queries, TimeProvider time, CancellationToken cancellationToken)
    {
        if (await queries.FindAsync(caller.TenantId(), id, cancellationToken) is not { } job)
        {
            await JobEndpoints.Unknown(id).ExecuteAsync(context);
            return;
        }

        if (WithoutResult(job, time.GetUtcNow()) is { } problem)
        {
            await problem.ExecuteAsync(context);
            return;
        }

        if (await queries.OutputsAsync(caller.TenantId(), id, cancellationToken) is not { } reply)
        {
            await Expired(job).ExecuteAsync(context);
            return;
        }

        context.Response.ContentType = "application/json";
        InferResponseWriter.Write(context.Response.BodyWriter, job.Model, job.Version, job.RequestId, reply);
        await context.Response.BodyWriter.FlushAsync(cancellationToken);
    }

    private static ProblemHttpResult? WithoutResult(JobFacts job, DateTimeOffset now) => job.State switch
    {
        JobState.Queued or JobState.Running => TypedResults.Problem(
            $"the job is {job.State.Name()}: its result is not there yet", statusCode: StatusCodes.Status409Conflict),
        JobState.Cancelled => TypedResults.Problem("the job was cancelled: it has no result", statusCode: StatusCodes.Status409Conflict),
        JobState.Failed or JobState.DeadLettered => TypedResults.Problem(
            job.Error, statusCode: job.ErrorStatus ?? StatusCodes.Status500InternalServerError),
        _ => job.ExpiresAt <= now ? Expired(job) : null,
    };

    private static ProblemHttpResult Expired(JobFacts job) => TypedResults.Problem(
        $"the result was kept until {job.ExpiresAt:O} and is gone", statusCode: StatusCodes.Status410Gone);
}
