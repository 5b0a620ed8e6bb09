using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Aspirate;

/// <summary>deploy/aspirate, and folders in which it is put to work.</summary>
internal sealed class AspirateFiles : IDisposable
{
    private readonly DirectoryInfo _work = Directory.CreateTempSubdirectory("aspirate-");

    public static string Folder { get; } = Path.Combine(Repository.Root, "deploy", "aspirate");

    public string Work => _work.FullName;

    public string Generated => Path.Combine(Work, "generated");

    /// <summary>A value for each parameter of a cluster, which can be told from the others.</summary>
    public static IReadOnlyDictionary<string, string> Secrets { get; } =
        new[]
        {
            "postgres-password", "redis-password", "api-key-pepper", "jwt-signing-key", "admin-secret", "direct-secret", "scaling-token",
            "data-protection-secret",
        }
            .ToDictionary(name => name, name => $"nottobeseennottobeseen{name.Replace("-", "", StringComparison.Ordinal)}");

    private static string ManifestFile { get; } = Path.Combine(Repository.Root, "aspire-manifest.json");

    public static JsonObject Manifest() => JsonNode.Parse(File.ReadAllText(ManifestFile))!.AsObject();

    /// <summary>The manifest with these values, as aspirate's own prompts or --parameter put them (PopulateInputsAction).</summary>
    public static JsonObject ManifestWith(IReadOnlyDictionary<string, string> values)
    {
        var manifest = Manifest();
        foreach (var (name, resource) in manifest["resources"]!.AsObject())
        {
            if (resource.Text("type") == "parameter.v0") resource!["value"] = values[name];
        }

        return manifest;
    }

    /// <summary>The manifest as the script gives it to aspirate.</summary>
    public async Task<JsonObject> ManifestOfScriptAsync(IReadOnlyDictionary<string, string> values)
    {
        Assert.SkipUnless(Tool.Find("jq") is not null, "jq is missing (Debian: apt-get install jq)");
        var secrets = WriteSecrets(values);
        string[] variables = ["--rawfile", "secrets", secrets, "--arg", "root", "/src"];
        var json = await Tools.RunAsync("jq", [.. variables, "-f", Path.Combine(Folder, "manifest.jq"), ManifestFile]);
        return JsonNode.Parse(json)!.AsObject();
    }

    public string WriteSecrets(IReadOnlyDictionary<string, string> values)
    {
        var file = Path.Combine(Work, "secrets.env");
        File.WriteAllLines(file, values.Select(value => $"{value.Key}={value.Value}"));
        return file;
    }

    /// <summary>Generates, with the overlay or as it is, and composes.</summary>
    /// <param name="applying">With aspirate's own secrets, as <c>aspirate apply</c> composes.</param>
    public async Task<RenderedObjects> ComposeAsync(JsonObject manifest, bool overlay, bool applying = false, bool dashboard = false)
    {
        var generation = new Generation(manifest, Generated, disableSecrets: !applying, Folder);
        generation.Write("inference-template", dashboard);
        if (applying) generation.WriteSecretFiles();
        if (!overlay) return await KustomizeAsync(Generated);
        var copy = Directory.CreateDirectory(Path.Combine(Work, "overlay")).FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(Folder, "overlay")))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return await KustomizeAsync(copy);
    }

    /// <summary>Skips the test where no kubectl can compose what is asked of it.</summary>
    public static async Task NeedKustomizeAsync()
    {
        Assert.SkipUnless(
            Tool.Find("kubectl") is not null,
            "kubectl is missing (https://kubernetes.io/docs/tasks/tools, or Debian 13: apt-get install kubernetes-client)");
        var version = (await Tool.RunAsync("kubectl", ["version", "--client"])).Output;
        Assert.SkipUnless(
            version.Contains("Kustomize Version: v5", StringComparison.Ordinal),
            "this kubectl is older than 1.27, the first with kustomize 5");
    }

    public static async Task<RenderedObjects> KustomizeAsync(string folder)
    {
        await NeedKustomizeAsync();
        return RenderedObjects.Parse(await Tools.RunAsync("kubectl", ["kustomize", folder]));
    }

    public void Dispose() => _work.Delete(recursive: true);
}
