using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Api.Traffic;

/// <summary>
/// How a traffic policy becomes another, within a change of its model: whoever moves the stable version, by whatever endpoint, leaves
/// behind where a rollback goes.
/// </summary>
internal static class PolicyChange
{
    /// <summary>The versions that a policy may choose among, lowest first.</summary>
    public static async Task<IReadOnlyList<ModelVersion>> ReadyAsync(this ModelChange change, CancellationToken cancellationToken) =>
    [
        .. (await change.Database.ModelVersions.AsNoTracking()
            .Where(v => v.Model == change.Model.Name && v.DeletedAt == null && v.State == VersionState.Ready)
            .ToListAsync(cancellationToken)).OrderBy(v => CatalogSnapshot.NumberOf(v.Version)),
    ];

    /// <summary>The version that answers what names none, as requests are routed; null where there is none.</summary>
    public static string? StableOf(this ModelChange change, IReadOnlyList<ModelVersion> ready) =>
        change.Model.Settings.Traffic.StableOf([.. ready.Select(v => v.Version)]);

    public static void SetPolicy(this ModelChange change, TrafficPolicy policy, IReadOnlyList<ModelVersion> ready)
    {
        var before = change.StableOf(ready);
        change.Model.Settings = change.Model.Settings with { Traffic = policy };
        if (before is not null && before != change.StableOf(ready))
        {
            change.Model.PreviousStable = before;
        }
    }

    /// <summary>The same, as somebody's decision; the policy counts from now.</summary>
    /// <param name="policy">Null for the default: no canary, no shadow, the highest version.</param>
    /// <returns>The policy as it is kept.</returns>
    public static TrafficPolicy Decide(
        this ModelChange change, TrafficPolicy? policy, IReadOnlyList<ModelVersion> ready, string actor)
    {
        // Postgres keeps microseconds: what is compared later must be as coarse from the start.
        var now = DateTimeOffset.FromUnixTimeMilliseconds(change.Now.ToUnixTimeMilliseconds());
        var (before, kept) = (change.Model.Settings.Traffic, (policy ?? new TrafficPolicy()) with { Since = now });
        change.SetPolicy(kept, ready);
        change.Model.UpdatedAt = now;
        change.Database.TrafficDecisions.Add(new TrafficDecision
        {
            Id = Guid.CreateVersion7(now),
            Model = change.Model.Name,
            DecidedAt = now,
            Action = policy is null ? "cleared" : "set",
            Actor = actor,
            Reason = TrafficChange.Of(before, policy),
            Policy = policy is null ? null : JsonSerializer.Serialize(kept, StoreJson.Default.TrafficPolicy),
        });
        return kept;
    }

    /// <summary>A policy in which a version is the stable one, and so neither on trial nor compared with itself.</summary>
    public static TrafficPolicy WithStable(this TrafficPolicy policy, string version)
    {
        var canary = policy.Canary?.Version == version ? null : policy.Canary;
        return policy with
        {
            Stable = version,
            Canary = canary,
            Shadow = policy.Shadow?.Version == version ? null : policy.Shadow,
            Rollback = canary is null ? null : policy.Rollback,
        };
    }
}
