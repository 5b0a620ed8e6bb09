using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Preprocessing;

namespace InferenceTemplate.Worker.Pipelines;

/// <summary>
/// <c>pipeline.json</c>, alone in a version's folder: models that run one after the other in one request. What an input or output is made
/// of is written <c>name</c> for an input of the pipeline and <c>step.name</c> for an output of a step.
/// </summary>
internal sealed partial record PipelineSettings
{
    public const string FileName = "pipeline.json";

    /// <summary>Each is a model that stays open as long as the pipeline does.</summary>
    public const int MaxSteps = 16;

    private const string NameRule = "1 to 64 letters, digits, '_' and '-'";

    public required string[] Inputs { get; set; }

    public required StepSettings[] Steps { get; set; }

    /// <summary>Names of the outputs, and of which step's output each is.</summary>
    public required Dictionary<string, string> Outputs { get; set; }

    /// <summary>Whether this is such a file, and not a model's own.</summary>
    public static bool IsPath(string path) => Path.GetFileName(path) == FileName;

    /// <summary>The path of such a file; null where it is a model that was uploaded.</summary>
    /// <param name="model">What the upload was found to hold.</param>
    /// <exception cref="ModelRefusedException">It holds both.</exception>
    public static string? In(string model) => IsPath(model) ? model
        : File.Exists(Preprocessors.PathBeside(model, FileName))
            ? throw new ModelRefusedException($"it has both {FileName} and {Path.GetFileName(model)}; a pipeline has no model of its own")
            : null;

    /// <exception cref="ModelRefusedException">The file can't be read as a pipeline; the message says why.</exception>
    public static PipelineSettings Read(string path) =>
        ExternalFiles.Beside(path).Names.Order(StringComparer.Ordinal).FirstOrDefault() is { } other
            ? throw new ModelRefusedException(
                $"{FileName} has to be alone, and '{ModelFileNames.Shown(other)}' is there too: what a step reads belongs to its model")
            : SettingsFile.Read(path, PipelineJson.Default.PipelineSettings, settings => settings.Problem());

    private string? Problem() =>
        (Inputs.Length == 0 ? "inputs names none" : null)
        ?? (Steps.Length is 0 or > MaxSteps ? $"it has {Steps.Length} steps; 1 to {MaxSteps} are possible" : null)
        ?? (Outputs.Count == 0 ? "outputs names none" : null)
        ?? NamesProblem("input", Inputs)
        ?? NamesProblem("step", Steps.Select(s => s?.Name))
        ?? NamesProblem("output", Outputs.Keys)
        ?? Steps.Select(s => s.Problem()).FirstOrDefault(p => p is not null);

    private static string? NamesProblem(string kind, IEnumerable<string?> names)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            if (name is null || !Name().IsMatch(name))
            {
                return $"the name of {kind} '{ModelFileNames.Shown(name ?? "")}' is not {NameRule}";
            }

            if (!known.Add(name))
            {
                return $"there are two {kind}s '{name}'";
            }
        }

        return null;
    }

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,64}\z", RegexOptions.None, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Name();
}

internal sealed record StepSettings
{
    public required string Name { get; set; }

    public required string Model { get; set; }

    /// <summary>A number: what it means never changes.</summary>
    public required string Version { get; set; }

    /// <summary>The model's inputs, and what each is made of.</summary>
    public required Dictionary<string, string> Inputs { get; set; }

    public PipelineStep ToStep() => new(Name, Model, Version);

    public string? Problem() =>
        !ModelNames.IsModel(Model) ? $"step '{Name}': model '{ModelFileNames.Shown(Model)}' is not {ModelNames.ModelRule}"
        : !ModelNames.IsVersion(Version)
            ? $"step '{Name}': version '{ModelFileNames.Shown(Version)}' is not {ModelNames.VersionRule}; "
                + "an alias would change the answers of a version"
        : Inputs.FirstOrDefault(i => i.Value is null) is { Key: { } input }
            ? $"step '{Name}': input '{ModelFileNames.Shown(input)}' is null"
        : null;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(PipelineSettings))]
internal sealed partial class PipelineJson : JsonSerializerContext;
