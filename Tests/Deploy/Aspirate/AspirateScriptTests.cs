using InferenceTemplate.Tests.Deploy.Policies;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Scripts;

namespace InferenceTemplate.Tests.Deploy.Aspirate;

/// <summary>deploy/scripts/aspirate.sh with the real jq and kubectl; aspirate writes what <see cref="Generation"/> does.</summary>
public sealed class AspirateScriptTests : IDisposable
{
    // Its output is the folder after --output-path.
    private const string Copies = """
        while [ "$1" != --output-path ]; do shift; done
        mkdir -p "$2" && cp -R "$GENERATED/." "$2"
        """;

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
        await AspirateFiles.NeedKustomizeAsync();
        new Generation(await _files.ManifestOfScriptAsync(AspirateFiles.Secrets), _files.Generated, disableSecrets: true, AspirateFiles.Folder).Write("inference-template");

        var result = await RunAsync(Copies, _files.WriteSecrets(AspirateFiles.Secrets), "--container-image-tag", "1.2.3");

        Assert.True(result.ExitCode == 0, result.All);
        var call = Assert.Single(_commands.Calls);
        Assert.StartsWith("aspirate generate --non-interactive --disable-state --disable-secrets ", call, StringComparison.Ordinal);
        Assert.EndsWith(" --container-image-tag 1.2.3", call, StringComparison.Ordinal);
        Assert.DoesNotContain("nottobeseen", call + result.All, StringComparison.Ordinal);
        var objects = RenderedObjects.Parse(await File.ReadAllTextAsync(Path.Combine(Output, "platform.yaml"), TestContext.Current.CancellationToken));
        Assert.Empty(Policy.AllViolations(objects, ChartTests.Expected("") with { SecretValues = [.. AspirateFiles.Secrets.Values] }));
        AssertOnlyForOwner(Path.Combine(Output, "platform.yaml"));
        AssertOnlyForOwner(Path.Combine(Output, "manifest.json"));
    }

    [Fact]
    public async Task Script_makes_secrets_once()
    {
        Assert.SkipUnless(Tool.Find("jq") is not null, "jq is missing (Debian: apt-get install jq)");
        var file = Path.Combine(_files.Work, "new", "secrets.env");

        await RunAsync("exit 3", file);
        var first = await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken);
        await RunAsync("exit 3", file);

        Assert.Equal(first, await File.ReadAllLinesAsync(file, TestContext.Current.CancellationToken));
        Assert.Equal(AspirateFiles.Secrets.Keys.Order(StringComparer.Ordinal), first.Select(line => line.Split('=')[0]).Order(StringComparer.Ordinal));
        Assert.All(first, line => Assert.Matches("^[a-z-]+=[A-Za-z0-9]{64}$", line));
        Assert.Equal(first.Length, first.Select(line => line.Split('=')[1]).Distinct(StringComparer.Ordinal).Count());
        AssertOnlyForOwner(file);
    }

    [Fact]
    public async Task Script_leaves_nothing_to_apply_when_aspirate_fails()
    {
        Assert.SkipUnless(Tool.Find("jq") is not null, "jq is missing (Debian: apt-get install jq)");
        Directory.CreateDirectory(Output);
        await File.WriteAllTextAsync(Path.Combine(Output, "platform.yaml"), "of the last time", TestContext.Current.CancellationToken);

        var result = await RunAsync("exit 3", _files.WriteSecrets(AspirateFiles.Secrets));

        Assert.Equal(3, result.ExitCode);
        Assert.False(File.Exists(Path.Combine(Output, "platform.yaml")));
    }

    private Task<ToolResult> RunAsync(string aspirate, params string[] arguments)
    {
        if (Tool.Find("kubectl") is null) _commands.With("kubectl");
        return _commands.With("aspirate", aspirate).RunAsync("aspirate.sh", arguments, ("OUTPUT", Output), ("GENERATED", _files.Generated));
    }

    private static void AssertOnlyForOwner(string file)
    {
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }
}
