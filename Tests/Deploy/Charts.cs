using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Shared;

[assembly: AssemblyFixture(typeof(Charts))]

namespace InferenceTemplate.Tests.Deploy;

/// <summary>
/// The chart, checked in and published anew, and the objects that Helm makes of it. What is rendered is named as it would be given to
/// Helm: an environment, then values that are set over its file, as in <c>staging database=managed mesh=linkerd</c>.
/// </summary>
public sealed class Charts : IDisposable
{
    /// <summary>What every secret is given as, with its own name behind it.</summary>
    public const string Secret = "nottobeseennottobeseennottobeseen";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("inference-chart-");
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _published = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<Task<RenderedObjects>>> _rendered = new(StringComparer.Ordinal);

    public static string Folder { get; } = Path.Combine(Repository.Root, "deploy", "helm");

    /// <summary>From the smallest to the largest.</summary>
    public static string[] Environments { get; } = ["development", "staging", "production"];

    /// <summary>The names of the secrets that the chart takes as values.</summary>
    public static IReadOnlyList<string> Secrets { get; } = [.. Values()["secrets"]!.AsObject().Select(entry => entry.Key)];

    /// <summary>What values.yaml says, with what an environment's own file says over it.</summary>
    public static JsonObject Values(string? environment = null) =>
        YamlJson.Parse(File.ReadAllText(Path.Combine(Folder, environment is null ? "values.yaml" : $"values.{environment}.yaml"))).Single();

    /// <summary>The objects of an environment with values set over it; rendered once.</summary>
    public Task<RenderedObjects> OfAsync(string wanted) =>
        _rendered.GetOrAdd(wanted, _ => new(async () => RenderedObjects.Parse(await HelmAsync(wanted, Given())))).Value;

    /// <summary>What Helm writes for an environment, values set over it, and a file of further ones.</summary>
    public async Task<string> HelmAsync(string wanted, JsonObject values)
    {
        var words = wanted.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var file = Path.Combine(_folder.FullName, $"{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(file, values.ToJsonString(), TestContext.Current.CancellationToken);
        return await Tools.HelmAsync(
        [
            "template", "inference-template", Folder, "--namespace", "inference-template", "--kube-version", "1.33.0",
            "--values", Path.Combine(Folder, $"values.{words[0]}.yaml"), "--values", file,
            .. words[1..].SelectMany(word => (string[])["--set", word]),
        ]);
    }

    /// <summary>Values for all secrets, each by its name.</summary>
    public static JsonObject Given(Func<string, string> secret) => new()
    {
        ["secrets"] = new JsonObject(Secrets.Select(name => KeyValuePair.Create(name, (JsonNode?)JsonValue.Create(secret(name))))),
    };

    /// <summary>Values for all secrets that tests look for.</summary>
    public static JsonObject Given() => Given(name => Secret + name);

    /// <summary>The folder of the chart as a step of the AppHost's pipeline writes it; published once.</summary>
    public Task<string> PublishAsync(string step) => _published.GetOrAdd(step, _ => new(async () =>
    {
        var folder = _folder.CreateSubdirectory(step).FullName;
        await Tools.PublishAsync(folder, step);
        return folder;
    })).Value;

    public void Dispose() => _folder.Delete(recursive: true);
}
