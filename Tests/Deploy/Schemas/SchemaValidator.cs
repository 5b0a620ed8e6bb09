using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Schemas;

/// <summary>
/// Compares objects with the schemas of their kinds, refusing what a schema does not name, and files with those of their readers. The
/// schemas are not ours and not in the repository: they are read from a folder beside it.
/// </summary>
internal sealed class SchemaValidator(string folder)
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "..", "shared", "schemas");
    private static readonly SchemaValidator? s_found = Directory.Exists(s_folder) ? new SchemaValidator(s_folder) : null;

    // What is read of JSON for the first time is unpacked then, which two threads must not do at once.
    private readonly Lock _reading = new();
    private readonly Dictionary<string, JsonNode> _files = new(StringComparer.Ordinal);

    /// <summary>Why a test skips where there are no schemas.</summary>
    public const string Absent = "../shared/schemas, the schemas of Kubernetes 1.33 and of the operators, is not there.";

    /// <summary>Null where there are no schemas.</summary>
    public static SchemaValidator? Find() => s_found;

    public bool Knows(KubernetesObject each) => File.Exists(FileOf(each));

    /// <summary>What is wrong with an object: the place, and what should be there.</summary>
    public IReadOnlyList<string> Errors(KubernetesObject each)
    {
        var file = FileOf(each);
        lock (_reading)
        {
            return [.. new SchemaCheck(Load, strict: true).Errors(each.Json, Load(file), file, each.ToString())];
        }
    }

    /// <summary>What is wrong with a file of another program, by the name of its schema.</summary>
    public IReadOnlyList<string> Errors(string schema, JsonNode value)
    {
        var file = Path.Combine(folder, "misc", schema);
        lock (_reading)
        {
            return [.. new SchemaCheck(Load, strict: false).Errors(value, Load(file), file, "")];
        }
    }

    private string FileOf(KubernetesObject each)
    {
        var parts = each.ApiVersion.Split('/');
        var (group, version, kind) = (parts.Length == 2 ? parts[0] : "", parts[^1], each.Kind.ToLowerInvariant());
        var known = Path.Combine(folder, "kubernetes-1.33", $"{kind}{(group.Length > 0 ? $"-{group.Split('.')[0]}" : "")}-{version}.json");
        var builtIn = !group.Contains('.', StringComparison.Ordinal) || group.EndsWith(".k8s.io", StringComparison.Ordinal);
        return builtIn && File.Exists(known) ? known : Path.Combine(folder, "crd", group, $"{kind}_{version}.json");
    }

    private JsonNode Load(string file)
    {
        if (!_files.TryGetValue(file, out var schema))
        {
            schema = _files[file] = JsonNode.Parse(File.ReadAllText(file))!;
        }

        return schema;
    }
}
