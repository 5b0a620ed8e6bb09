using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Limits;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Http.HttpResults;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>
/// <c>/v1/batches</c>: many requests in one body, run by and by. A tenant's own; of others' an admin sees the list.
/// </summary>
internal static class BatchEndpoints
{
    private const int DefaultLimit = 50;
    private const int MaxLimit = 200;

    public static IServiceCollection AddBatches(this IServiceCollection services)
    {
        services.AddBatchStore();
        services.AddSingleton<BatchEvents>();
        services.AddSingleton<BatchTelemetry>();
        services.AddSingleton<BatchLineCall>();
        services.AddHostedServiceAfterSchema<BatchRunner>();
        return services;
    }

    public static void MapBatches(this IEndpointRouteBuilder endpoints)
    {
        var batches = endpoints.MapGroup("/v1/batches").RequireAuthorization(Policies.Infer);
        batches.MapBatchUpload();
        batches.MapGet("/", ListAsync).WithSummary("Batches of the own tenant, or for an admin of any, the newest first").WithReadSlot();
        batches.MapGet("/{id:guid}", GetAsync).WithSummary("A batch");
        batches.MapDelete("/{id:guid}", DeleteAsync).WithSummary("Delete a batch that has ended, and its files");
        batches.MapPost("/{id:guid}/cancel", CancelAsync).WithSummary("Cancel a batch");
        batches.MapBatchFiles();
        batches.MapBatchEvents();
    }

    public static ProblemHttpResult Unknown(Guid id) =>
        TypedResults.Problem($"there is no batch '{id}'", statusCode: StatusCodes.Status404NotFound);

    public static JsonHttpResult<BatchView> Show(BatchFacts batch, int status = StatusCodes.Status200OK) =>
        TypedResults.Json(BatchView.Of(batch), BatchesJson.Default.BatchView, statusCode: status);

    private static async Task<Results<JsonHttpResult<BatchView>, ProblemHttpResult>> GetAsync(
        Guid id, ClaimsPrincipal caller, BatchQueries queries, CancellationToken cancellationToken) =>
        await FindAsync(id, caller, queries, cancellationToken) is { } batch ? Show(batch) : Unknown(id);

    private static Task<BatchFacts?> FindAsync(
        Guid id, ClaimsPrincipal caller, BatchQueries queries, CancellationToken cancellationToken) =>
        queries.FindAsync(caller.TenantId(), caller.Models(), id, cancellationToken);

    private static async Task<Results<JsonHttpResult<BatchView>, ProblemHttpResult>> CancelAsync(
        Guid id, ClaimsPrincipal caller, BatchEndings endings, BatchQueries queries, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, caller, queries, cancellationToken) is null)
        {
            return Unknown(id);
        }

        await endings.CancelAsync(caller.TenantId(), id, cancellationToken);
        return await FindAsync(id, caller, queries, cancellationToken) is { } batch ? Show(batch) : Unknown(id);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, ClaimsPrincipal caller, BatchEndings endings, BatchQueries queries, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, caller, queries, cancellationToken) is null)
        {
            return Unknown(id);
        }

        if (await endings.DeleteAsync(caller.TenantId(), id, cancellationToken))
        {
            return TypedResults.NoContent();
        }

        return await FindAsync(id, caller, queries, cancellationToken) is { } batch
            ? TypedResults.Problem($"the batch is {batch.State.Name()}: cancel it first", statusCode: StatusCodes.Status409Conflict)
            : Unknown(id);
    }

    private static async Task<Results<JsonHttpResult<BatchPage>, ProblemHttpResult>> ListAsync(
        string? state, string? tenant, int? limit, string? cursor, ClaimsPrincipal caller, BatchQueries queries,
        CancellationToken cancellationToken)
    {
        if (ListedTenant.Refusal(tenant, caller, "batches") is { } refusal)
        {
            return refusal;
        }

        BatchState? wanted = null;
        if (state is not null)
        {
            if (!BatchStates.TryParse(state, out var parsed) || parsed == BatchState.Receiving)
            {
                return Wrong($"state: '{state}' given, one of {string.Join(", ", BatchStates.Visible.Select(s => s.Name()))} expected");
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
        var batches = await queries.ListAsync(
            ListedTenant.Of(tenant, caller), caller.Models(), wanted, before, count + 1, cancellationToken);
        var next = batches.Count > count ? IdCursor.Of(batches[count - 1].Id) : null;
        return TypedResults.Json(new BatchPage([.. batches.Take(count).Select(BatchView.Of)], next), BatchesJson.Default.BatchPage);
    }

    private static ProblemHttpResult Wrong(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);
}
