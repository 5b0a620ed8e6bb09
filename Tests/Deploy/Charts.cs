using System.Collections.Concurrent;
using InferenceTemplate.Tests.Deploy;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Shared;

[assembly: AssemblyFixture(typeof(Charts))]

namespace InferenceTemplate.Tests.Deploy;

/// <summary>The charts, checked in and published anew, and the objects that Helm makes of them; each is made once.</summary>
public sealed class Charts : IDisposable
{
    /// <summary>What every secret is given as.</summary>
    public const string Secret = "nottobeseennottobeseennottobeseen";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("inference-charts-");
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _published = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<Task<RenderedObjects>>> _rendered = new(StringComparer.Ordinal);

    /// <summary>The folders of deploy/kubernetes with the switches that they are published with.</summary>
    public static IReadOnlyDictionary<string, string[]> CheckedIn { get; } = File.ReadLines(Path.Combine(Folder, "charts.txt"))
        .Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .ToDictionary(words => words[0], words => words[1..], StringComparer.Ordinal);

    public static string Folder => Path.Combine(Repository.Root, "deploy", "kubernetes");

    /// <summary>The objects of a checked-in chart.</summary>
    public Task<RenderedObjects> OfAsync(string name) => RenderAsync(Path.Combine(Folder, name));

    /// <summary>The objects of a chart published with the given switches.</summary>
    public async Task<RenderedObjects> WithAsync(string switches) => await RenderAsync(await PublishAsync(switches));

    /// <summary>The folder of a chart published with the given switches.</summary>
    public Task<string> PublishAsync(string switches) => _published.GetOrAdd(switches, _ => new(async () =>
    {
        var folder = _folder.CreateSubdirectory(Guid.NewGuid().ToString("N")).FullName;
        await Tools.PublishAsync(folder, switches.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return folder;
    })).Value;

    private Task<RenderedObjects> RenderAsync(string chart) => _rendered.GetOrAdd(chart, _ => new(async () =>
    {
        var values = Path.Combine(_folder.FullName, $"{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(values, GivenSecrets(chart));
        return RenderedObjects.Parse(await Tools.HelmAsync("template", "inference-template", chart, "--namespace", "inference-template", "--kube-version", "1.33.0", "--values", values));
    })).Value;

    // Only what the chart itself lists has to be given.
    private static string GivenSecrets(string chart)
    {
        var values = YamlJson.Parse(File.ReadAllText(Path.Combine(chart, "values.yaml"))).Single();
        foreach (var resource in values["secrets"]?.AsObject() ?? [])
        {
            foreach (var key in resource.Value!.AsObject().Select(entry => entry.Key).ToList()) resource.Value[key] = Secret;
        }

        return values.ToJsonString();
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
