using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Data.Catalog;

/// <summary>A transaction that holds one model's row: changes to a model are made one after the other.</summary>
public sealed class ModelChange(InferenceDbContext database, Model model, DateTimeOffset now)
{
    public InferenceDbContext Database { get; } = database;

    public Model Model { get; } = model;

    public DateTimeOffset Now { get; } = now;

    /// <summary>Writes the change into the model's history.</summary>
    public void Record(string kind, string actor, string? version = null, string? details = null)
    {
        Model.UpdatedAt = Now;
        Database.ModelEvents.Add(new ModelEvent
        {
            At = Now,
            Model = Model.Name,
            Version = version,
            Kind = kind,
            Actor = actor,
            Details = details,
        });
    }

    /// <summary>A version that is not deleted, by number or alias; null when there is none.</summary>
    public async Task<ModelVersion?> FindAsync(string version, CancellationToken cancellationToken)
    {
        var number = await NumberOfAsync(version, cancellationToken);
        var found = await Database.ModelVersions.FindAsync([Model.Name, number], cancellationToken);
        return found is { DeletedAt: null } ? found : null;
    }

    /// <summary>The same, held until the end of the transaction: no inspection that ends meanwhile writes to it.</summary>
    public async Task<ModelVersion?> LockAsync(string version, CancellationToken cancellationToken)
    {
        var number = await NumberOfAsync(version, cancellationToken);
        var found = await Database.ModelVersions
            .FromSql($"SELECT * FROM model_versions WHERE model = {Model.Name} AND version = {number} FOR UPDATE")
            .SingleOrDefaultAsync(cancellationToken);
        return found is { DeletedAt: null } ? found : null;
    }

    public RegistryProblem Unknown(string version) =>
        RegistryProblem.NotFound($"There is no version '{version}' of a model '{Model.Name}'.");

    private async Task<string> NumberOfAsync(string version, CancellationToken cancellationToken) =>
        (await Database.ModelAliases.FindAsync([Model.Name, version], cancellationToken))?.Version ?? version;
}
