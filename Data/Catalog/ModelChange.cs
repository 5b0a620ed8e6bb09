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
        var alias = await Database.ModelAliases.FindAsync([Model.Name, version], cancellationToken);
        var found = await Database.ModelVersions.FindAsync([Model.Name, alias?.Version ?? version], cancellationToken);
        return found is { DeletedAt: null } ? found : null;
    }

    public RegistryProblem Unknown(string version) =>
        RegistryProblem.NotFound($"There is no version '{version}' of a model '{Model.Name}'.");
}
