using System.Globalization;
using InferenceTemplate.Data;
using Microsoft.FeatureManagement;

namespace InferenceTemplate.Api.Features;

/// <summary>
/// The flags as this process last read them, for Microsoft.FeatureManagement. Asking never reads: <see cref="FeatureRefresh"/>
/// does, and while the database is away what was known last holds.
/// </summary>
public sealed class FeatureDefinitions(FeatureStore store) : IFeatureDefinitionProvider
{
    private volatile FeatureSnapshot _current = FeatureSnapshot.Of([]);

    internal FeatureSnapshot Current => _current;

    /// <summary>Reads the flags anew.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var flags = await store.AllAsync(cancellationToken);
        if (!_current.IsOf(flags))
        {
            _current = FeatureSnapshot.Of(flags);
        }
    }

    public Task<FeatureDefinition> GetFeatureDefinitionAsync(string featureName) =>
        Task.FromResult(_current.Definitions.GetValueOrDefault(featureName)!);

    public async IAsyncEnumerable<FeatureDefinition> GetAllFeatureDefinitionsAsync()
    {
        await Task.CompletedTask;
        foreach (var definition in _current.Definitions.Values)
        {
            yield return definition;
        }
    }

    /// <summary>A flag in the library's words.</summary>
    internal static FeatureDefinition Define(FeatureFlag flag) => new()
    {
        Name = flag.Name,
        EnabledFor = !flag.Enabled ? [] : FeatureSnapshot.IsForAll(flag)
            ? [new FeatureFilterConfiguration { Name = "AlwaysOn" }]
            : [new FeatureFilterConfiguration { Name = "Microsoft.Targeting", Parameters = Audience(flag) }],
    };

    private static IConfiguration Audience(FeatureFlag flag)
    {
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Audience:DefaultRolloutPercentage"] = flag.Percentage.ToString(CultureInfo.InvariantCulture),
        };
        foreach (var (number, tenant) in (flag.Tenants ?? []).Index())
        {
            settings[$"Audience:Users:{number}"] = tenant;
        }

        foreach (var (number, tenant) in (flag.ExcludedTenants ?? []).Index())
        {
            settings[$"Audience:Exclusion:Users:{number}"] = tenant;
        }

        return new ConfigurationBuilder().AddInMemoryCollection(settings).Build();
    }
}
