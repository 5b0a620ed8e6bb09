using System.Collections.Concurrent;
using System.Collections.Frozen;
using InferenceTemplate.Data;
using Microsoft.FeatureManagement;

namespace InferenceTemplate.Api.Features;

/// <summary>All flags at one moment, with what was found of tenants since.</summary>
internal sealed class FeatureSnapshot
{
    // Tenants times flags; beyond it the findings begin anew.
    private const int MaxFindings = 10_000;

    private readonly IReadOnlyList<FeatureFlag> _flags;
    private readonly FrozenDictionary<string, bool> _forAll;
    private readonly ConcurrentDictionary<(string Feature, string Tenant), bool> _found = new();

    private FeatureSnapshot(IReadOnlyList<FeatureFlag> flags)
    {
        _flags = flags;
        IReadOnlyList<FeatureFlag> effective = [.. flags, .. FeatureNames.All.Keys.Except(flags.Select(f => f.Name)).Select(Default)];
        Definitions = effective.ToFrozenDictionary(f => f.Name, FeatureDefinitions.Define, StringComparer.Ordinal);
        _forAll = effective.Where(f => !f.Enabled || IsForAll(f)).ToFrozenDictionary(f => f.Name, f => f.Enabled, StringComparer.Ordinal);
    }

    public FrozenDictionary<string, FeatureDefinition> Definitions { get; }

    public static FeatureSnapshot Of(IReadOnlyList<FeatureFlag> flags) => new(flags);

    /// <summary>How a flag is that nobody has set.</summary>
    public static FeatureFlag Default(string name) => new()
    {
        Name = name,
        Enabled = FeatureNames.All.ContainsKey(name),
        Percentage = 100,
        Description = FeatureNames.All.GetValueOrDefault(name),
    };

    public static bool IsForAll(FeatureFlag flag) => flag.Percentage >= 100 && flag.ExcludedTenants is null or { Length: 0 };

    public bool IsOf(IReadOnlyList<FeatureFlag> flags) =>
        flags.Select(f => (f.Name, f.UpdatedAt)).SequenceEqual(_flags.Select(f => (f.Name, f.UpdatedAt)));

    /// <summary>What is known without asking: the flag is the same for all, or was asked for this tenant before.</summary>
    public bool? Known(string feature, string tenant) =>
        _forAll.TryGetValue(feature, out var all) ? all : _found.TryGetValue((feature, tenant), out var found) ? found : null;

    public void Find(string feature, string tenant, bool isOn)
    {
        if (_found.Count >= MaxFindings)
        {
            _found.Clear();
        }

        _found[(feature, tenant)] = isOn;
    }
}
