using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Traffic;

/// <summary>The version that answers a request, and as what.</summary>
/// <param name="Shadow">The version that repeats the request for comparison; null for none.</param>
internal sealed record RoutedModel(ModelVersion Version, ModelSettings Settings, TrafficRole Role, ModelVersion? Shadow)
{
    /// <summary>Why the request can't be answered by anybody now; null where it can.</summary>
    public Unavailability? Unavailable { get; init; }
}

/// <summary>Finds the version that a caller named, or lets the model's traffic policy choose.</summary>
internal sealed class ModelRouting(ModelCatalog catalog)
{
    /// <returns>Null when there is no such model or version, or it can't run now: the catalog tells why.</returns>
    public async ValueTask<RoutedModel?> RouteAsync(
        string model, string? version, ClaimsPrincipal caller, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        var known = snapshot.SettingsOf(model);
        if (version is not null)
        {
            return snapshot.Find(model, version) is { } named
                ? new RoutedModel(named, known, TrafficRole.Named, null)
                : null;
        }

        if (known.Traffic is { Canary: null, Shadow: null })
        {
            // There is nothing to choose.
            return snapshot.StableOf(model) is { } stable ? new RoutedModel(stable, known, TrafficRole.Stable, null) : null;
        }

        var versions = snapshot.ReadyOf(model);
        var servable = snapshot.VersionsOf(model);
        var route = TrafficRouter.Route(
            known.Traffic, [.. versions.Select(v => v.Version)],
            caller.FindFirstValue(InferenceClaims.KeyId) ?? caller.Identity?.Name ?? "", Random.Shared,
            servable.Count == versions.Count
                ? null
                : versions.Except(servable).Select(v => v.Version).ToHashSet(StringComparer.Ordinal));
        return route is null
            ? null
            : new RoutedModel(
                versions.First(v => v.Version == route.Version),
                known,
                route.Role,
                route.Shadow is null ? null : versions.First(v => v.Version == route.Shadow));
    }
}
