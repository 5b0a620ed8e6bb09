using InferenceTemplate.Core.Tensors;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Data.Catalog;

/// <summary>Reads the sample requests of versions.</summary>
public sealed class SampleRequests(IDbContextFactory<InferenceDbContext> contexts)
{
    /// <summary>Its JSON as it was sent; null where there is none.</summary>
    public async Task<byte[]?> JsonOfAsync(string model, string version, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        return await Of(database, model, version).Select(s => s.Json).SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Its inputs in the order in which they are run; null where there is none.</summary>
    /// <param name="hasRun">Whether only one is wanted that has run.</param>
    public async Task<Tensor[]?> InputsOfAsync(
        string model, string version, bool hasRun, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        return await Of(database, model, version).Where(s => s.HasRun || !hasRun).Select(s => s.Inputs).SingleOrDefaultAsync(cancellationToken);
    }

    private static IQueryable<SampleRequest> Of(InferenceDbContext database, string model, string version) =>
        database.SampleRequests.AsNoTracking().Where(s => s.Model == model && s.Version == version);
}
