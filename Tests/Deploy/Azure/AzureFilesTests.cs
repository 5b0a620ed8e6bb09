using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;
using YamlDotNet.RepresentationModel;

namespace InferenceTemplate.Tests.Deploy.Azure;

/// <summary>The azd projects and their hooks.</summary>
public sealed class AzureFilesTests
{
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
    public async Task Provisioning_goes_on_when_all_is_given() =>
        Assert.Equal(0, (await CheckAsync("long-enough-password", "me@example.com")).ExitCode);

    private static Task<ToolResult> CheckAsync(string password, string email) => Tool.RunAsync(
        "sh", [Path.Combine(Repository.Root, "deploy", "azure", "hooks", "check.sh")],
        new Dictionary<string, string?>(StringComparer.Ordinal) { ["DATABASE_PASSWORD"] = password, ["BUDGET_EMAIL"] = email });
}
