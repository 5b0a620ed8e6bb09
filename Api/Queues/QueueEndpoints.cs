using System.Security.Claims;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.Queues;

/// <summary>Queues and their dead letters, for administrators.</summary>
internal static class QueueEndpoints
{
    private const int DefaultPage = 50;
    private const int LargestPage = 500;

    public static IServiceCollection AddQueues(this IServiceCollection services)
    {
        services.AddHostedServiceAfterSchema<QueueGauges>();
        services.AddHostedServiceAfterSchema<WithdrawnVersions>();
        return services;
    }

    public static void MapQueues(this IEndpointRouteBuilder endpoints)
    {
        var queues = endpoints.MapGroup("/v1/queues").RequireAuthorization(Policies.Administer);
        queues.MapGet("", QueueList.GetAsync).WithSummary("All queues").Produces<QueueOverviews>();
        queues.MapGet("/dead-letters", NewestAsync).WithSummary("The newest dead letters of all queues").Produces<NewestDeadLetters>();
        var dead = queues.MapGroup("/{model}/{version}/dead-letters");
        dead.MapGet("", ListAsync).WithSummary("Dead letters of a queue").Produces<DeadLetterPage>();
        dead.MapPost("/requeue", RequeueAllAsync).WithSummary("Put all dead letters back into the queue").Produces<RequeuedCount>();
        dead.MapPost("/{id}/requeue", RequeueAsync).WithSummary("Put a dead letter back into the queue").Produces<RequeuedCount>();
        dead.MapDelete("", PurgeAllAsync).WithSummary("Remove all dead letters").Produces<PurgedCount>();
        dead.MapDelete("/{id}", PurgeAsync).WithSummary("Remove a dead letter").Produces(StatusCodes.Status204NoContent);
    }

    private static async Task<Results<JsonHttpResult<NewestDeadLetters>, ProblemHttpResult>> NewestAsync(
        string? model, int? limit, DeadLetters letters, RequestQueue requests, ModelCatalog catalog, CancellationToken cancellationToken)
    {
        if (limit is < 1 or > LargestPage)
        {
            return Problem(StatusCodes.Status400BadRequest, $"limit: {limit} given, 1 to {LargestPage} allowed");
        }

        var count = limit ?? DefaultPage;
        var versions = (await catalog.SnapshotAsync(cancellationToken)).QueuedVersions.Where(v => model is null || v.Model == model);
        var stats = (await requests.StatsAsync(versions.Select(v => new QueueName(v.Model, v.Version)))).Where(
            s => s.DeadLetters > 0).ToList();
        var found = await Task.WhenAll(stats.Select(async s =>
            (await letters.NewestAsync(s.Queue, count)).Select(letter => QueuedDeadLetter.Of(s.Queue, DeadLetterView.Of(letter)))));
        return TypedResults.Json(
            new NewestDeadLetters(
                [.. found.SelectMany(queue => queue).OrderByDescending(letter => letter.Time).Take(count)], stats.Sum(s => s.DeadLetters)),
            ApiJson.Default.NewestDeadLetters);
    }

    private static async Task<Results<JsonHttpResult<DeadLetterPage>, ProblemHttpResult>> ListAsync(
        string model, string version, string? after, int? limit, DeadLetters letters, ModelCatalog catalog,
        CancellationToken cancellationToken)
    {
        if (after is not null && !DeadLetters.IsId(after))
        {
            return Problem(StatusCodes.Status400BadRequest, $"after: '{after}' is not the id of a dead letter");
        }

        if (limit is < 1 or > LargestPage)
        {
            return Problem(StatusCodes.Status400BadRequest, $"limit: {limit} given, 1 to {LargestPage} allowed");
        }

        var count = limit ?? DefaultPage;
        var found = await letters.ListAsync(new QueueName(model, version), after, count);

        // A version that is gone may have left dead letters.
        if (found.Count == 0 && await catalog.FindAsync(model, version, cancellationToken) is null)
        {
            return Problem(StatusCodes.Status404NotFound, $"there is no version '{version}' of a model '{model}'");
        }

        return TypedResults.Json(
            new DeadLetterPage([.. found.Select(DeadLetterView.Of)], found.Count == count ? found[^1].Id : null),
            ApiJson.Default.DeadLetterPage);
    }

    /// <summary>Why nothing can be put back: nobody will ever read the queue of a version that is not in the registry.</summary>
    public static async Task<string?> GoneAsync(ModelCatalog catalog, QueueName queue, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        return snapshot.AllVersionsOf(queue.Model).Any(v => v.Version == queue.Version)
            ? null
            : $"there is no version '{queue.Version}' of a model '{queue.Model}'";
    }

    private static async Task<Results<JsonHttpResult<RequeuedCount>, ProblemHttpResult>> RequeueAllAsync(
        string model, string version, ClaimsPrincipal caller, DeadLetters letters, ModelCatalog catalog, AuditLog audit,
        CancellationToken cancellationToken)
    {
        if (await GoneAsync(catalog, new QueueName(model, version), cancellationToken) is { } gone)
        {
            return Problem(StatusCodes.Status404NotFound, gone);
        }

        var requeued = await letters.RequeueAllAsync(new QueueName(model, version));
        audit.Record(DeadLetterAudit.Requeued(caller, new QueueName(model, version), requeued));
        return TypedResults.Json(new RequeuedCount(requeued), ApiJson.Default.RequeuedCount);
    }

    private static async Task<Results<JsonHttpResult<RequeuedCount>, ProblemHttpResult>> RequeueAsync(
        string model, string version, string id, ClaimsPrincipal caller, DeadLetters letters, ModelCatalog catalog, AuditLog audit,
        HttpResponse response, CancellationToken cancellationToken)
    {
        if (await GoneAsync(catalog, new QueueName(model, version), cancellationToken) is { } gone)
        {
            return Problem(StatusCodes.Status404NotFound, gone);
        }

        var outcome = DeadLetters.IsId(id) ? await letters.RequeueAsync(new QueueName(model, version), id) : RequeueOutcome.Unknown;
        switch (outcome)
        {
            case RequeueOutcome.Requeued:
                audit.Record(DeadLetterAudit.Requeued(caller, new QueueName(model, version), 1, id));
                return TypedResults.Json(new RequeuedCount(1), ApiJson.Default.RequeuedCount);
            case RequeueOutcome.Full:
                response.Headers.RetryAfter = "1";
                return Problem(StatusCodes.Status503ServiceUnavailable, $"the queue of '{model}/{version}' has no room now");
            default:
                return Unknown(id);
        }
    }

    private static async Task<JsonHttpResult<PurgedCount>> PurgeAllAsync(
        string model, string version, ClaimsPrincipal caller, DeadLetters letters, AuditLog audit)
    {
        var purged = await letters.PurgeAllAsync(new QueueName(model, version));
        audit.Record(DeadLetterAudit.Purged(caller, new QueueName(model, version), purged));
        return TypedResults.Json(new PurgedCount(purged), ApiJson.Default.PurgedCount);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> PurgeAsync(
        string model, string version, string id, ClaimsPrincipal caller, DeadLetters letters, AuditLog audit)
    {
        if (!DeadLetters.IsId(id) || !await letters.PurgeAsync(new QueueName(model, version), id))
        {
            return Unknown(id);
        }

        audit.Record(DeadLetterAudit.Purged(caller, new QueueName(model, version), 1, id));
        return TypedResults.NoContent();
    }

    private static ProblemHttpResult Unknown(string id) =>
        Problem(StatusCodes.Status404NotFound, $"there is no dead letter '{id}' that could be used");

    private static ProblemHttpResult Problem(int status, string detail) => TypedResults.Problem(detail, statusCode: status);
}
