using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// Versions that were inspected before it was tried on which tensors without elements they run: they get none until they are inspected
/// once more, and are served meanwhile.
/// </summary>
internal sealed class UntriedVersions(ModelRegistry registry)
{
    private readonly HashSet<(string Model, string Version)> _outdated = [];

    /// <summary>Has them inspected, each once: an inspection by a worker of an older release does not try it either.</summary>
    public async Task OutdateAsync(CatalogSnapshot snapshot, CancellationToken cancellationToken)
    {
        foreach (var version in snapshot.Versions.Where(v => IsUntried(v) && !_outdated.Contains((v.Model, v.Version))))
        {
            await ChangeAsync(
                version,
                row =>
                {
                    if (IsUntried(row))
                    {
                        row.OutdateProof();
                    }
                },
                cancellationToken);
            _outdated.Add((version.Model, version.Version));
        }
    }

    /// <summary>
    /// Keeps what was found of a version that is served already: it holds for its bytes, whoever has tried it. So does what was found
    /// before: another inspection may have had less time.
    /// </summary>
    public Task KeepAsync(ModelVersion version, ModelSignature tried, CancellationToken cancellationToken) => ChangeAsync(
        version,
        row =>
        {
            var known = row.Signature.EmptyTried ?? [];
            var found = (tried.EmptyTried ?? []).Where(set => !known.Any(set.SequenceEqual));
            row.Signature = row.Signature with
            {
                EmptyTried = [.. known, .. found],
                EndsOnSmallest = row.Signature.EndsOnSmallest || tried.EndsOnSmallest,
            };
        },
        cancellationToken);

    private static bool IsUntried(ModelVersion version) =>
        version is { State: VersionState.Ready, AwaitsProof: false, Signature.EmptyTried: null }
        && version.Metadata.Steps.Count == 0
        && version.Signature.Inputs.Any(i => i.Shape.Contains(TensorShape.Variable));

    private Task<RegistryProblem?> ChangeAsync(
        ModelVersion version, Action<ModelVersion> change, CancellationToken cancellationToken) => registry.ChangeAsync(
        version.Model,
        async held =>
        {
            if (await held.LockAsync(version.Version, cancellationToken) is { State: VersionState.Ready } row)
            {
                change(row);
            }

            return null;
        },
        cancellationToken);
}
