using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Monitoring;

/// <summary>The files of deploy/monitoring, and the programs that check them.</summary>
internal static class WatchFiles
{
    public static string Folder { get; } = Path.Combine(Repository.Root, "deploy", "monitoring");

    public static string[] Boards { get; } = [
        .. Directory.GetFiles(Path.Combine(Folder, "grafana"), "*.json").Order(StringComparer.Ordinal)];

    public static string PathOf(string name) => Path.Combine(Folder, name);

    public static JsonObject Read(string name) => YamlJson.Parse(File.ReadAllText(PathOf(name))).Single();

    public static JsonObject Board(string file) => JsonNode.Parse(File.ReadAllText(file))!.AsObject();

    /// <summary>Rules that alert, of both files.</summary>
    public static IReadOnlyList<JsonNode> Alerts { get; } = [.. Rules().Where(rule => rule.At("alert") is not null)];

    public static IEnumerable<JsonNode> Rules() => new[] { "alerts.yaml", "slo.yaml" }
        .SelectMany(file => Read(file).Items("groups")).SelectMany(group => group.Items("rules"));

    /// <summary>What panels ask, with a namespace in the place of their variable.</summary>
    public static IEnumerable<string> PanelQueries() => Boards.SelectMany(file => Board(file).Items("panels"))
        .SelectMany(panel => panel.Items("targets")).Select(target => target.Text("expr"));

    /// <summary>Skips the test that calls it where a program is missing.</summary>
    public static void Need(string program, string package) =>
        Assert.SkipUnless(Tool.Find(program) is not null, $"{program} is missing (Debian: apt-get install {package})");
}
