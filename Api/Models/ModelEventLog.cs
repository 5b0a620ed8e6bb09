using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Api.Models;

/// <summary>The history of models, for what changes no row of the registry. Changes write theirs in their own transaction.</summary>
public sealed class ModelEventLog(IDbContextFactory<InferenceDbContext> contexts, TimeProvider time)
{
    /// <summary>The actor of what nobody asked for.</summary>
    public const string Platform = "platform";

    public async Task AppendAsync(
        string model, string? version, string kind, string actor, string? details, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        database.ModelEvents.Add(new ModelEvent
        {
            At = time.GetUtcNow(),
            Model = model,
            Version = version,
            Kind = kind,
            Actor = actor,
            Details = details,
        });
        await database.SaveChangesAsync(cancellationToken);
    }
}
