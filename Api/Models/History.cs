using InferenceTemplate.Api.Auth;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Api.Models;

internal sealed record ModelHistory(ModelHistoryEntry[] Events);

internal sealed record ModelHistoryEntry(long Id, DateTimeOffset At, string Kind, string? Version, string Actor, string? Details);

/// <summary><c>GET /v1/models/{m}/events</c>: what was done to a model, the newest first. It outlives the model.</summary>
internal static class History
{
    private const int MaxLimit = 1000;

    public static void MapHistory(this IEndpointRouteBuilder models) => models.MapGet("/{model}/events", GetAsync)
        .WithMetadata(new UnknownModel((_, _) => TypedResults.Json(new ModelHistory([]), ModelsJson.Default.ModelHistory)))
        .WithSummary("Who did what to a model, the newest first")
        .Produces<ModelHistory>();

    private static async Task<IResult> GetAsync(
        string model, IDbContextFactory<InferenceDbContext> contexts, CancellationToken cancellationToken, int limit = 100,
        long before = long.MaxValue)
    {
        if (limit is < 1 or > MaxLimit)
        {
            return ModelProblems.Invalid("limit", $"must be from 1 to {MaxLimit}; {limit} is given");
        }

        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var events = await database.ModelEvents.AsNoTracking()
            .Where(e => e.Model == model && e.Id < before)
            .OrderByDescending(e => e.Id).Take(limit)
            .Select(e => new ModelHistoryEntry(e.Id, e.At, e.Kind, e.Version, e.Actor, e.Details))
            .ToArrayAsync(cancellationToken);
        return TypedResults.Json(new ModelHistory(events), ModelsJson.Default.ModelHistory);
    }
}
