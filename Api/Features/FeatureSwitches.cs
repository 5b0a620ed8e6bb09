using Microsoft.FeatureManagement;
using Microsoft.FeatureManagement.FeatureFilters;

namespace InferenceTemplate.Api.Features;

/// <summary>
/// Asks for a flag on the hot path: a look into a table where the flag is the same for all or the tenant is known, once per tenant
/// and change the library's evaluation.
/// </summary>
public sealed class FeatureSwitches(FeatureDefinitions definitions, IFeatureManager features)
{
    /// <summary>Whether a tenant has a feature; false for a flag that nobody has heard of.</summary>
    public ValueTask<bool> IsOnAsync(string feature, string tenant)
    {
        var snapshot = definitions.Current;
        return snapshot.Known(feature, tenant) is { } known ? new(known) : EvaluateAsync(snapshot, feature, tenant);
    }

    /// <summary>The features that a tenant has, by name.</summary>
    public async Task<IReadOnlyList<string>> AllAsync(string tenant)
    {
        var on = new List<string>();
        foreach (var name in definitions.Current.Definitions.Keys.Order(StringComparer.Ordinal))
        {
            if (await IsOnAsync(name, tenant))
            {
                on.Add(name);
            }
        }

        return on;
    }

    private async ValueTask<bool> EvaluateAsync(FeatureSnapshot snapshot, string feature, string tenant)
    {
        var isOn = await features.IsEnabledAsync(feature, new TargetingContext { UserId = tenant });
        if (snapshot.Definitions.ContainsKey(feature))
        {
            snapshot.Find(feature, tenant, isOn);
        }

        return isOn;
    }
}
