using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Images;

public sealed class ImageTests(Charts charts)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // By day the other tests show the names, the base and the user of each image.
    [Fact, Trait("Tier", "Nightly")]
    public async Task Image_is_pushed_by_two_tags_and_written_down_by_its_digest()
    {
        await using var registry = await Registry.StartAsync(Cancellation);
        await BaseImage.PushAsync(registry.Client, "base", "1", Cancellation);
        var values = Path.GetTempFileName();

        var built = await Tool.RunAsync(
            "bash", [ScriptFiles.Path("images.sh"), $"{registry.Host}/team", "1.4.0", "api"],
            new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["DOTNET_CONTAINER_INSECURE_REGISTRIES"] = registry.Host,
                ["BASE_IMAGE"] = $"{registry.Host}/base:1",
                ["IMAGES"] = values,
                // What the tests were built as is there already.
                ["CONFIGURATION"] = "Debug",
            });

        Assert.True(built.ExitCode == 0, built.All);
        using var tags = await GetAsync(registry, "/v2/team/api/tags/list", "application/json");
        var names = tags.RootElement.GetProperty("tags").EnumerateArray().Select(t => t.GetString()!).ToList();
        Assert.Contains("1.4.0", names);
        Assert.Contains(names, n => n.Length == 12 && n.All(char.IsAsciiHexDigitLower));

        using var manifest = await GetAsync(
            registry, "/v2/team/api/manifests/1.4.0", "application/vnd.docker.distribution.manifest.v2+json");
        using var config = await GetAsync(
            registry, $"/v2/team/api/blobs/{manifest.RootElement.GetProperty("config").GetProperty("digest")}", "*/*");
        var image = config.RootElement.GetProperty("config");
        Assert.Equal("1654", image.GetProperty("User").GetString());
        var labels = image.GetProperty("Labels");
        Assert.Equal("1.4.0", labels.GetProperty("org.opencontainers.image.version").GetString());
        Assert.Matches("^[0-9a-f]{40}$", labels.GetProperty("org.opencontainers.image.revision").GetString());
        Assert.StartsWith("sha256:", labels.GetProperty("org.opencontainers.image.base.digest").GetString(), StringComparison.Ordinal);
        Assert.Matches(
            $"images:\n  api: \"{registry.Host}/team/api@sha256:[0-9a-f]{{64}}\"", await File.ReadAllTextAsync(values, Cancellation));
        File.Delete(values);
    }

    public static TheoryData<string> Services => Repository.HasDashboard ? ["Api", "Web", "Worker"] : ["Api", "Worker"];

    [Theory]
    [MemberData(nameof(Services))]
    public async Task Services_stand_on_a_base_without_a_shell(string project) =>
        Assert.Equal("noble-chiseled", await PropertyAsync(project, "ContainerFamily"));

    [Fact]
    public async Task Worker_for_gpus_brings_dotnet_to_a_cuda_base_and_is_not_root()
    {
        Assert.StartsWith(
            "nvidia/cuda:12.", await PropertyAsync("Worker", "ContainerBaseImage", "-p:WorkerImage=cuda"), StringComparison.Ordinal);
        Assert.Equal("1654", await PropertyAsync("Worker", "ContainerUser", "-p:WorkerImage=cuda"));
        Assert.Equal("true", await PropertyAsync("Worker", "SelfContained", "-p:WorkerImage=cuda"));
    }

    [Fact]
    public async Task Worker_brings_the_locale_that_text_operators_open_and_what_decodes_images_on_linux_alone()
    {
        var result = await Tool.RunAsync(
            "dotnet",
            [
                "msbuild", Path.Combine(Repository.Root, "Worker"), "-t:ComputeResolvedFilesToPublishList",
                "-getItem:ResolvedFileToPublish,ContainerEnvironmentVariable",
            ]);
        Assert.True(result.ExitCode == 0, result.All);
        using var output = JsonDocument.Parse(result.Output);
        var items = output.RootElement.GetProperty("Items");
        var files = items.GetProperty("ResolvedFileToPublish").EnumerateArray()
            .Select(file => file.GetProperty("RelativePath").GetString()!.Replace('\\', '/'))
            .ToList();
        var folder = items.GetProperty("ContainerEnvironmentVariable").EnumerateArray()
            .Single(variable => variable.GetProperty("Identity").GetString() == "LOCPATH").GetProperty("Value").GetString();

        Assert.Equal("/app/locale", folder);
        Assert.Contains("locale/en_US.UTF-8/LC_CTYPE", files);
        Assert.Contains("locale/en_US.UTF-8/LC_MESSAGES/SYS_LC_MESSAGES", files);
        Assert.Equal(
            ["runtimes/linux-arm64/native/libSkiaSharp.so", "runtimes/linux-x64/native/libSkiaSharp.so"],
            files.Where(file => file.Contains("libSkiaSharp", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    /// <summary>Of what images.sh writes, each environment gets the worker that can do what its device asks of it.</summary>
    [Theory]
    [InlineData("development", "cpu", "worker@")]
    [InlineData("staging", "cuda", "worker-cuda@")]
    [InlineData("production", "cuda", "worker-cuda@")]
    [InlineData("production gpu=none", "cpu", "worker@")]
    public async Task Worker_runs_the_image_of_its_device(string wanted, string device, string image)
    {
        var file = Path.GetTempFileName();
        using var commands = new Commands();
        var built = await commands.With("git").With("dotnet", "printf 'sha256:%064d' 7").RunAsync(
            "images.sh", ["registry.example.com/team", "1.4.0"], ("IMAGES", file));
        Assert.True(built.ExitCode == 0, built.All);

        var images = YamlJson.Parse(File.ReadAllText(file)).Single();
        var objects = RenderedObjects.Parse(await charts.HelmAsync(wanted, With(Charts.Given(), images)));

        Assert.Equal(device, objects.Entry("worker-config", "Worker__Device"));
        Assert.StartsWith(
            $"registry.example.com/team/{image}sha256:", objects.Container("worker").Text("image"), StringComparison.Ordinal);
        Assert.StartsWith(
            "registry.example.com/team/api@sha256:", objects.Container("api").Text("image"), StringComparison.Ordinal);
        File.Delete(file);
    }

    private static JsonObject With(JsonObject values, JsonObject more)
    {
        foreach (var (name, value) in more)
        {
            values[name] = value?.DeepClone();
        }

        return values;
    }

    [Theory]
    [InlineData("1.0", "moon", "there is no service 'moon'")]
    [InlineData("latest", "api", "'latest' is no version")]
    public async Task Images_refuses_what_it_can_not_build(string version, string service, string message)
    {
        var result = await Tool.RunAsync("bash", [ScriptFiles.Path("images.sh"), "example.com/team", version, service]);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
    }

    private static async Task<string> PropertyAsync(string project, string property, params string[] arguments)
    {
        var result = await Tool.RunAsync(
            "dotnet", ["msbuild", Path.Combine(Repository.Root, project), $"-getProperty:{property}", .. arguments]);
        Assert.True(result.ExitCode == 0, result.All);
        return result.Output.Trim();
    }

    private static async Task<JsonDocument> GetAsync(Registry registry, string path, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse(accept));
        using var response = await registry.Client.SendAsync(request, Cancellation);
        return JsonDocument.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(Cancellation));
    }
}
