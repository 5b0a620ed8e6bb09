using System.Text.Json;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;
using YamlDotNet.RepresentationModel;

namespace InferenceTemplate.Tests.Deploy.Azure;

/// <summary>What can be said of the azd projects and the Bicep without a Bicep compiler, which the workflows have.</summary>
public sealed partial class AzureFilesTests
{
    private static readonly string Infra = Path.Combine(Repository.Root, "deploy", "azure", "infra");

    public static TheoryData<string> Projects => ["azure.yaml", "deploy/azure/azure.yaml"];

    [Theory]
    [MemberData(nameof(Projects))]
    public void Project_has_a_name_that_azd_takes_and_files_that_exist(string file)
    {
        var folder = Path.Combine(Repository.Root, Path.GetDirectoryName(file)!);
        var stream = new YamlStream();
        using var reader = File.OpenText(Path.Combine(Repository.Root, file));
        stream.Load(reader);
        var root = (YamlMappingNode)stream.Documents[0].RootNode;

        Assert.Matches("^[a-z0-9][a-z0-9-]*[a-z0-9]$", ((YamlScalarNode)root["name"]).Value);
        var paths = root.AllNodes.OfType<YamlMappingNode>()
            .SelectMany(n => n.Children)
            .Where(c => ((YamlScalarNode)c.Key).Value is "project" or "run" or "path")
            .Select(c => ((YamlScalarNode)c.Value).Value!)
            .ToList();
        Assert.NotEmpty(paths);
        Assert.All(paths, path => Assert.True(Path.Exists(Path.Combine(folder, path)), $"{path} does not exist"));
    }

    [Fact]
    public void Modules_get_exactly_the_parameters_that_they_declare()
    {
        var main = File.ReadAllText(Path.Combine(Infra, "main.bicep"));
        var modules = Module().Matches(main);
        Assert.NotEmpty(modules);

        Assert.All(modules, module =>
        {
            var declared = Parameter().Matches(File.ReadAllText(Path.Combine(Infra, module.Groups["file"].Value)));
            var given = Given().Matches(Nested().Replace(module.Groups["params"].Value, "")).Select(m => m.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);
            var required = declared.Where(d => !d.Groups["default"].Success).Select(d => d.Groups["name"].Value).ToHashSet(StringComparer.Ordinal);

            Assert.Empty(required.Except(given));
            Assert.Empty(given.Except(declared.Select(d => d.Groups["name"].Value)));
        });
        Assert.Equal(
            Directory.EnumerateFiles(Infra, "*.bicep").Select(Path.GetFileName).Where(f => f != "main.bicep").Order(StringComparer.Ordinal),
            modules.Select(m => m.Groups["file"].Value).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Parameters_file_gives_what_has_no_default_and_nothing_unknown()
    {
        var declared = Parameter().Matches(File.ReadAllText(Path.Combine(Infra, "main.bicep")));
        using var file = JsonDocument.Parse(File.ReadAllText(Path.Combine(Infra, "main.parameters.json")));
        var given = file.RootElement.GetProperty("parameters").EnumerateObject().Select(p => p.Name).ToList();

        Assert.Empty(declared.Where(d => !d.Groups["default"].Success).Select(d => d.Groups["name"].Value).Except(given));
        Assert.Empty(given.Except(declared.Select(d => d.Groups["name"].Value)));
    }

    [Fact]
    public void Secrets_are_marked_as_such()
    {
        var secret = Directory.EnumerateFiles(Infra, "*.bicep")
            .SelectMany(f => SecretParameter().Matches(File.ReadAllText(f)).Select(m => (File: f, Match: m)));

        Assert.NotEmpty(secret);
        Assert.All(secret, s => Assert.Contains("@secure()", s.Match.Value, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", "me@example.com", "DATABASE_PASSWORD is not set")]
    [InlineData("short", "me@example.com", "DATABASE_PASSWORD has 5 characters")]
    [InlineData("long-enough-password", "", "BUDGET_EMAIL is not set")]
    public async Task Provisioning_stops_before_it_begins_when_a_value_is_missing(string password, string email, string message)
    {
        var result = await CheckAsync(password, email);

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Provisioning_goes_on_when_all_is_given() => Assert.Equal(0, (await CheckAsync("long-enough-password", "me@example.com")).ExitCode);

    private static Task<ToolResult> CheckAsync(string password, string email) => Tool.RunAsync(
        "sh", [Path.Combine(Repository.Root, "deploy", "azure", "hooks", "check.sh")],
        new Dictionary<string, string?>(StringComparer.Ordinal) { ["DATABASE_PASSWORD"] = password, ["BUDGET_EMAIL"] = email });

    [GeneratedRegex(@"module \w+ '(?<file>[^']+)'[^{]*\{\s*scope: group\s*params: \{(?<params>.*?)\}\n\}", RegexOptions.ExplicitCapture | RegexOptions.Singleline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Module();

    [GeneratedRegex(@"^param (?<name>\w+) \w+(?<default> =)?", RegexOptions.ExplicitCapture | RegexOptions.Multiline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"(?<name>\w+):", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Given();

    // Objects and texts that are handed over as values.
    [GeneratedRegex(@"\{\s*\n[^}]*\}|'[^']*'", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Nested();

    [GeneratedRegex(@"(@\w+\([^\n]*\)\n)*param \w*([pP]assword|[sS]trings)\w* \w+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SecretParameter();
}
