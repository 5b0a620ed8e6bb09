using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Api.Traffic;

/// <summary>
/// Gives requests for a version that no worker can load to the model's fallback, where it has one that can take its place.
/// </summary>
internal sealed class FallbackRouting(ModelCatalog catalog, ModelAvailability availability)
{
    /// <summary>
    /// The route as it is while workers can load its version; else that of the fallback; else the route with the reason why not.
    /// </summary>
    public async ValueTask<RoutedModel> RouteAsync(RoutedModel routed, CancellationToken cancellationToken)
    {
        var version = routed.Version;
        if (await availability.OfAsync(version.Model, version.Version, cancellationToken) is not { } unavailable)
        {
            return routed;
        }

        return await InsteadOfAsync(routed, cancellationToken) ?? routed with { Unavailable = unavailable };
    }

    /// <summary>
    /// The route of the fallback of a pipeline of which a step can't run; null where it is none such, or has no fallback that can take its
    /// place.
    /// </summary>
    public async ValueTask<RoutedModel?> OfLackingAsync(string model, string? version, CancellationToken cancellationToken) =>
        (await LackingAsync(model, version, cancellationToken))?.Instead;

    /// <summary>Such a pipeline itself, and the route of its fallback; null where there is either not.</summary>
    public async ValueTask<(RoutedModel Pipeline, RoutedModel Instead)?> LackingAsync(
        string model, string? version, CancellationToken cancellationToken)
    {
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        var role = version is null ? TrafficRole.Stable : TrafficRole.Named;
        if (snapshot.LackingOf(model, version) is not { } lacking)
        {
            return null;
        }

        var pipeline = new RoutedModel(lacking, snapshot.SettingsOf(model), role, Shadow: null);
        return await InsteadOfAsync(pipeline, cancellationToken) is { } instead ? (pipeline, instead) : null;
    }

    /// <summary>The route of the fallback; null where there is none, or where its callers would notice more than its mark.</summary>
    public async ValueTask<RoutedModel?> InsteadOfAsync(RoutedModel routed, CancellationToken cancellationToken)
    {
        // One step only: a fallback of a fallback would hide that two models are down.
        var snapshot = await catalog.SnapshotAsync(cancellationToken);
        if (routed.Role == TrafficRole.Fallback
            || snapshot.SettingsOf(routed.Version.Model).Fallback is not { } named
            || snapshot.Find(named.Model, named.Version) is not { } fallback
            || IsSame(fallback, routed.Version)
            || SignatureCompatibility.Problem(routed.Version.Signature, fallback.Signature) is not null
            || await availability.OfAsync(fallback.Model, fallback.Version, cancellationToken) is not null)
        {
            return null;
        }

        return new RoutedModel(fallback, snapshot.SettingsOf(fallback.Model), TrafficRole.Fallback, Shadow: null);
    }

    private static bool IsSame(ModelVersion a, ModelVersion b) => a.Model == b.Model && a.Version == b.Version;
}
