using System.Globalization;
using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Data.Catalog;

/// <summary>The registry as it was at one moment: models, their versions and aliases. Nothing deleted is in it.</summary>
public sealed class CatalogSnapshot
{
    private static readonly ModelSettings DefaultSettings = new();

    /// <summary>A registry without models.</summary>
    public static CatalogSnapshot Empty { get; } = new([], [], []);

    private readonly Dictionary<string, Entry> _models = new(StringComparer.Ordinal);

    public CatalogSnapshot(IEnumerable<Model> models, IEnumerable<ModelVersion> versions, IEnumerable<ModelAlias> aliases)
    {
        AllVersions = [.. versions.OrderBy(v => v.Model, StringComparer.Ordinal).ThenBy(v => NumberOf(v.Version))];
        var byModel = AllVersions.ToLookup(v => v.Model, StringComparer.Ordinal);
        var named = aliases.ToLookup(a => a.Model, StringComparer.Ordinal);
        foreach (var model in models)
        {
            if (byModel.Contains(model.Name))
            {
                _models.Add(model.Name, new Entry(model, [.. byModel[model.Name]], [.. named[model.Name]]));
            }
        }

        foreach (var entry in _models.Values.Where(e => e.Servable.Any(IsPipeline)).ToList())
        {
            // A pipeline is no step: which of them can't run changes nothing for the others.
            var lacking = entry.Servable.Where(v => v.Metadata.Steps.Any(s => StepOf(s) is null)).ToHashSet();
            foreach (var pipeline in entry.Servable.Where(IsPipeline))
            {
                pipeline.StepsApart = pipeline.Metadata.Steps.Select(WhyApart).FirstOrDefault(reason => reason is not null);
            }

            if (lacking.Count > 0)
            {
                _models[entry.Model.Name] = new Entry(entry.Model, entry.All, entry.Aliases, lacking);
            }
        }

        Models = [.. _models.Values.Select(e => e.Model).OrderBy(m => m.Name, StringComparer.Ordinal)];
        Versions = [.. Models.SelectMany(m => _models[m.Name].Servable)];
    }

    /// <summary>Models that have a version, by name.</summary>
    public IReadOnlyList<Model> Models { get; }

    /// <summary>What may be served: ready versions of models that are not unloaded; by model, lowest first.</summary>
    public IReadOnlyList<ModelVersion> Versions { get; }

    /// <summary>Also those that are pending, rejected or unloaded.</summary>
    public IReadOnlyList<ModelVersion> AllVersions { get; }

    /// <summary>
    /// Those that were ever served: what is unloaded, or a pipeline that lacks a step, may still have requests in its queue.
    /// </summary>
    public IEnumerable<ModelVersion> QueuedVersions => AllVersions.Where(v => v.State == VersionState.Ready);

    public Model? ModelOf(string model) => _models.GetValueOrDefault(model)?.Model;

    /// <summary>The versions of a model that may be served, lowest first.</summary>
    public IReadOnlyList<ModelVersion> VersionsOf(string model) => _models.GetValueOrDefault(model)?.Servable ?? [];

    /// <summary>
    /// Also pipelines of which a step can't run, lowest first: the traffic policy chooses among these, so that no other version answers
    /// in the place of one that stands still for a while.
    /// </summary>
    public IReadOnlyList<ModelVersion> ReadyOf(string model) => _models.GetValueOrDefault(model)?.Ready ?? [];

    /// <summary>A pipeline that is ready and of which a step can't run, by number or alias; where none is named, the stable one.</summary>
    public ModelVersion? LackingOf(string model, string? version)
    {
        if (!_models.TryGetValue(model, out var entry))
        {
            return null;
        }

        var number = version is null ? entry.StableNumber : entry.NumberOf(version);
        return entry.Ready.FirstOrDefault(v => v.Version == number && !entry.Servable.Contains(v));
    }

    /// <summary>All versions of a model, in any state, lowest first.</summary>
    public IReadOnlyList<ModelVersion> AllVersionsOf(string model) => _models.GetValueOrDefault(model)?.All ?? [];

    public IReadOnlyList<ModelAlias> AliasesOf(string model) => _models.GetValueOrDefault(model)?.Aliases ?? [];

    /// <summary>A version that may be served, by number or alias; the stable one where none is named.</summary>
    public ModelVersion? Find(string model, string? version) => version is null
        ? StableOf(model)
        : _models.GetValueOrDefault(model)?.ByName.GetValueOrDefault(version);

    /// <summary>
    /// The version that answers what names none, but for a canary's share (<see cref="TrafficPolicy.StableOf"/>); null where that is one
    /// that can't run now.
    /// </summary>
    public ModelVersion? StableOf(string model) => _models.GetValueOrDefault(model)?.Stable;

    /// <summary>The model's settings; the defaults where there is no such model.</summary>
    public ModelSettings SettingsOf(string model) => ModelOf(model)?.Settings ?? DefaultSettings;

    public Residency ResidencyOf(string model) => ModelOf(model)?.Residency ?? Residency.Auto;

    /// <summary>Why <see cref="Find"/> finds nothing, in words for a caller.</summary>
    public string WhyNot(string model, string? version)
    {
        if (!_models.TryGetValue(model, out var entry))
        {
            return version is null ? $"there is no model '{model}'" : $"there is no version '{version}' of a model '{model}'";
        }

        if (entry.Model.Residency == Residency.Unload)
        {
            return $"the model '{model}' is unloaded";
        }

        var number = version is null
            ? entry.StableNumber ?? entry.Model.Settings.Traffic.Stable
            : entry.NumberOf(version);
        var named = entry.All.LastOrDefault(v => number is null || v.Version == number);
        return named?.State switch
        {
            VersionState.Ready when named.Metadata.Steps.FirstOrDefault(s => StepOf(s) is null) is { } step =>
                $"version '{named.Version}' of '{model}' is a pipeline, of which the step '{step.Name}' can't run: "
                + WhyNot(step.Model, step.Version),
            VersionState.Pending => $"version '{named.Version}' of '{model}' has not been inspected yet",
            VersionState.Rejected => $"version '{named.Version}' of '{model}' was rejected: {named.Reason}",
            _ => $"there is no version '{version}' of a model '{model}'",
        };
    }

    /// <summary>Versions are kept as text and ordered as numbers.</summary>
    public static long NumberOf(string version) => long.Parse(version, CultureInfo.InvariantCulture);

    private static bool IsPipeline(ModelVersion version) => version.Metadata.Steps.Count > 0;

    // What a step runs; null where that may not be served.
    private ModelVersion? StepOf(PipelineStep step) =>
        _models.GetValueOrDefault(step.Model)?.ByName.GetValueOrDefault(step.Version) is { } found && !IsPipeline(found) ? found : null;

    private string? WhyApart(PipelineStep step) =>
        StepOf(step) is { } version && BatchDecision.Of(version, SettingsOf(step.Model)) is { Batched: false } apart
            ? $"step '{step.Name}': {apart.Reason}"
            : null;

    private sealed class Entry
    {
        /// <param name="lacking">Pipelines of which a step can't run.</param>
        public Entry(
            Model model, IReadOnlyList<ModelVersion> all, IReadOnlyList<ModelAlias> aliases, IReadOnlySet<ModelVersion>? lacking = null)
        {
            (Model, All, Aliases) = (model, all, aliases);
            Ready = model.Residency == Residency.Unload ? [] : [.. all.Where(v => v.State == VersionState.Ready)];
            Servable = lacking is null ? Ready : [.. Ready.Where(v => !lacking.Contains(v))];
            foreach (var version in Servable)
            {
                ByName[version.Version] = version;
            }

            foreach (var alias in aliases)
            {
                if (ByName.TryGetValue(alias.Version, out var version))
                {
                    ByName[alias.Alias] = version;
                }
            }

            // As requests are routed: one that can't run now leaves its place to no other.
            StableNumber = model.Settings.Traffic.StableOf([.. Ready.Select(v => v.Version)]);
            Stable = StableNumber is null ? null : ByName.GetValueOrDefault(StableNumber);
        }

        public Model Model { get; }

        public IReadOnlyList<ModelVersion> All { get; }

        public IReadOnlyList<ModelVersion> Ready { get; }

        public IReadOnlyList<ModelVersion> Servable { get; }

        public IReadOnlyList<ModelAlias> Aliases { get; }

        public Dictionary<string, ModelVersion> ByName { get; } = new(StringComparer.Ordinal);

        /// <summary>Also where it can't run now.</summary>
        public string? StableNumber { get; }

        public ModelVersion? Stable { get; }

        /// <summary>What an alias stands for; else what was given.</summary>
        public string NumberOf(string version) => Aliases.FirstOrDefault(a => a.Alias == version)?.Version ?? version;
    }
}
