using InferenceTemplate.Tests.Deploy.Policies;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Scripts;

namespace InferenceTemplate.Tests.Deploy.Aspirate;

/// <summary>deploy/scripts/aspirate.sh with the real jq and kubectl, and <see cref="AspirateCommand"/> for aspirate.</summary>
public sealed class AspirateScriptTests : IDisposable
{
    private static readonly string[] s_images = ["--container-registry", "registry.example.com/you", "--container-image-tag", "1.2.3"];

    private readonly AspirateFiles _files = new();
    private readonly Commands _commands = new();

    private string Output => Path.Combine(_files.Work, "output");

    public void Dispose()
    {
        _commands.Dispose();
        _files.Dispose();
    }

    [Fact]
    public async Task Script_composes_the_platform_without_telling_a_secret()
    {
        await GenerateAsync("inference-template");

        var result = await RunAsync(AspirateCommand.Body, s_images);

        Assert.True(result.ExitCode == 0, result.All);
        Assert.DoesNotContain("nottobeseen", Assert.Single(_commands.Calls) + result.All, StringComparison.Ordinal);
        var objects = await ComposedAsync();
        Assert.Empty(Policy.AllViolations(objects, ChartTests.Expected("") with { SecretValues = [.. AspirateFiles.Secrets.Values] }));
        AssertOnlyForOwner(Path.Combine(Output, "platform.yaml"));
        AssertOnlyForOwner(Path.Combine(Output, "manifest.json"));
    }

    /// <summary>The overlay gives the worker a GPU, and without CUDA in its image it would not start there.</summary>
    [Fact]
    public async Task Worker_is_built_for_the_device_of_the_overlay()
    {
        await GenerateAsync("inference-template");

        var result = await RunAsync($"printf 'image: %s\\n' \"$WorkerImage\"\n{AspirateCommand.Body}", s_images);

        Assert.Contains("image: cuda", result.Output, StringComparison.Ordinal);
        var worker = (await ComposedAsync()).Container("worker").Items("env").Single(variable => variable.Text("name") == "Worker__Device");
        Assert.Equal("cuda", worker.Text("value"));
    }

    [Theory]
    [InlineData("", "--image-pull-policy IfNotPresent", "--include-dashboard false", "--namespace inference-template")]
    [InlineData("--image-pull-policy Always", "--image-pull-policy Always")]
    [InlineData("--image-pull-policy=Always", "--image-pull-policy=Always")]
    [InlineData("--include-dashboard true", "--include-dashboard true")]
    [InlineData("--with-dashboard", "--with-dashboard")]
    [InlineData("--namespace:inference-template", "--namespace:inference-template")]
    [InlineData("--disable-state", "--disable-state is this script's own")]
    [InlineData("--output-format=helm", "--output-format is this script's own")]
    [InlineData("-o elsewhere", "-o is this script's own")]
    public async Task Choice_of_the_caller_takes_the_place_of_the_scripts(string choice, params string[] expected)
    {
        await GenerateAsync("inference-template");

        var result = await RunAsync(AspirateCommand.Body, [.. s_images, .. choice.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.All(expected, part => Assert.Contains(part, string.Concat(_commands.Calls) + result.Errors, StringComparison.Ordinal));
        Assert.Equal(expected[0].Contains("own", StringComparison.Ordinal) ? 1 : 0, result.ExitCode);
        Assert.Equal(result.ExitCode == 0, _commands.Calls.Length == 1);
    }

    [Theory]
    [InlineData("--namespace elsewhere")]
    [InlineData("--namespace=elsewhere")]
    public async Task Namespace_of_the_caller_is_that_of_every_object_and_address(string choice)
    {
        await GenerateAsync("elsewhere");

        var result = await RunAsync(AspirateCommand.Body, [.. s_images, .. choice.Split(' ')]);

        Assert.True(result.ExitCode == 0, result.All);
        var objects = await ComposedAsync();
        Assert.Equal("elsewhere", Assert.Single(objects.OfKind("Namespace")).Name);
        var others = objects.All.Where(each => each.Kind != "Namespace");
        Assert.All(others, each => Assert.Equal("elsewhere", each.Json.Text("metadata", "namespace")));
        Assert.Equal(
            "http://api.elsewhere.svc.cluster.local:8080/scaling/workers",
            Assert.Single(Assert.Single(objects.OfKind("ScaledObject")).Spec.Items("triggers")).Text("metadata", "url"));
    }

    [Theory]
    [InlineData("", "the images have no registry")]
    [InlineData("--container-image-tag 1.2.3", "the images have no registry")]
    [InlineData("-cr registry.example.com", "the images have no version")]
    [InlineData("--container-registry=registry.example.com -ct 1 --namespace Not/one", "'Not/one' is no name of a namespace")]
    public async Task Script_refuses_what_would_give_a_deployment_that_cannot_run(string arguments, string message)
    {
        var result = await RunAsync(AspirateCommand.Body, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
        Assert.Empty(_commands.Calls);
    }

    // What aspirate 9.1.0 itself says to the same arguments.
    [Theory]
    [InlineData("--bogus", "Unrecognized command or argument '--bogus'.")]
    [InlineData("extra", "Unrecognized command or argument 'extra'.")]
    [InlineData("-ct 2 3", "Unrecognized command or argument '3'.")]
    [InlineData("--container-builder", "Required argument missing for option: '--container-builder'.")]
    [InlineData("--namespace=a --namespace b", "Option '--namespace' expects a single argument but 2 were provided.")]
    [InlineData("-cr other", "Option '--container-registry' expects a single argument but 2 were provided.")]
    [InlineData("--with-dashboard 1 --include-dashboard 0", "Option '--with-dashboard' expects a single argument but 2 were provided.")]
    [InlineData("-ct 2 --container-image-tag 3 --skip-build --skip-build", "")]
    public async Task Aspirate_refuses_repeated_and_unknown_options(string arguments, string message)
    {
        await GenerateAsync("inference-template");

        var result = await RunAsync(AspirateCommand.Body, [.. s_images, .. arguments.Split(' ')]);

        Assert.Equal(message, result.Errors.Trim());
        Assert.Equal(message.Length > 0 ? 1 : 0, result.ExitCode);
        Assert.Equal(message.Length == 0, File.Exists(Path.Combine(Output, "platform.yaml")));
    }

    [Fact]
    public async Task Script_makes_secrets_once()
    {
        NeedJq();
        var file = Path.Combine(_files.Work, "new", "secrets.env");

        await RunAsync("exit 3", file, s_images);
        var first = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
        await RunAsync("exit 3", file, s_images);

        Assert.Equal(first, await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken));
        Assert.Equivalent(AspirateFiles.Secrets.Keys, first.Select(line => line.Split('=')[0]), strict: true);
        Assert.All(first, line => Assert.Matches("^[a-z-]+=[A-Za-z0-9]{64}$", line));
        Assert.Equal(first.Length, first.Select(line => line.Split('=')[1]).Distinct(StringComparer.Ordinal).Count());
        AssertOnlyForOwner(file);
    }

    [Fact]
    public async Task Script_leaves_nothing_to_apply_when_aspirate_fails()
    {
        NeedJq();
        Directory.CreateDirectory(Output);
        await File.WriteAllTextAsync(Path.Combine(Output, "platform.yaml"), "of the last time", TestContext.Current.CancellationToken);

        var result = await RunAsync("exit 3", s_images);

        Assert.Equal(3, result.ExitCode);
        Assert.False(File.Exists(Path.Combine(Output, "platform.yaml")));
    }

    private static void NeedJq() => Assert.SkipUnless(Tool.Find("jq") is not null, "jq is missing (Debian: apt-get install jq)");

    private async Task GenerateAsync(string space)
    {
        await AspirateFiles.NeedKustomizeAsync();
        var manifest = await _files.ManifestOfScriptAsync(AspirateFiles.Secrets);
        new Generation(manifest, _files.Generated, disableSecrets: true, AspirateFiles.Folder).Write(space);
    }

    private async Task<RenderedObjects> ComposedAsync() =>
        RenderedObjects.Parse(await File.ReadAllTextAsync(Path.Combine(Output, "platform.yaml"), TestContext.Current.CancellationToken));

    private Task<ToolResult> RunAsync(string aspirate, string[] arguments) =>
        RunAsync(aspirate, _files.WriteSecrets(AspirateFiles.Secrets), arguments);

    private Task<ToolResult> RunAsync(string aspirate, string secrets, string[] arguments)
    {
        if (Tool.Find("kubectl") is null) _commands.With("kubectl");
        _commands.With("aspirate", aspirate);
        return _commands.RunAsync("aspirate.sh", [secrets, .. arguments], ("OUTPUT", Output), ("GENERATED", _files.Generated));
    }

    private static void AssertOnlyForOwner(string file)
    {
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }
}
