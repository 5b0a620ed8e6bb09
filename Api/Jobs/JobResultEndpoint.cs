using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Tensors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Jobs;

/// <summary><c>GET /v1/jobs/{id}/result</c>: what the synchronous call would have answered, in either of its two encodings.</summary>
internal static class JobResultEndpoint
{
    private const string Binary = "application/octet-stream";

    public static void MapJobResult(this IEndpointRouteBuilder jobs) => jobs.MapGet("/{id:guid}/result", HandleAsync)
        .WithSummary("What the call would have answered")
        .Produces<InferAnswerDocument>()
        .ProducesProblem(StatusCodes.Status409Conflict)
        .ProducesProblem(StatusCodes.Status410Gone);

    private static async Task HandleAsync(
        Guid id, HttpContext context, ClaimsPrincipal caller, JobQueries queries, IOptions<CostOptions> costs, TimeProvider time,
        CancellationToken cancellationToken)
    {
        if (await queries.FindAsync(caller.TenantId(), caller.Models(), id, cancellationToken) is not { } job)
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

        context.Response.Headers.Vary = "Accept";
        var forms = WantsBinary(context.Request) ? OutputForms.Binary : OutputForms.Json;
        if (forms == OutputForms.Json && reply.Outputs.FirstOrDefault(o => o.Datatype is Datatype.Fp16 or Datatype.Bf16) is { } half)
        {
            await TypedResults.Problem(
                $"'{half.Name}' is {half.Datatype.Name()}, which JSON can't hold: ask with 'Accept: {Binary}'",
                statusCode: StatusCodes.Status406NotAcceptable).ExecuteAsync(context);
            return;
        }

        if (InferResponseWriter.Refusal(reply, forms) is { } unwritable)
        {
            await TypedResults.Problem(
                $"{unwritable} with 'Accept: {Binary}'", statusCode: StatusCodes.Status406NotAcceptable).ExecuteAsync(context);
            return;
        }

        var parameters = new AnswerParameters(
            reply.QueueTime, reply.ComputeTime, reply.BatchSize, job.Cost, costs.Value.Currency, CacheHit: null);
        parameters.SetHeaders(context.Response.Headers);
        await InferAnswer.WriteAsync(context, job.Model, job.Version, job.RequestId, forms, reply, parameters);
    }

    private static bool WantsBinary(HttpRequest request) => request.GetTypedHeaders().Accept
        .Where(type => type.Quality is null or > 0)
        .OrderByDescending(type => type.Quality ?? 1)
        .FirstOrDefault(type => type.MediaType.Value is Binary or "application/json" or "application/*" or "*/*") is { } first
            && first.MediaType == Binary;

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
