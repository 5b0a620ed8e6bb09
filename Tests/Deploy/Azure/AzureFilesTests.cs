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
    public async Task Provisioning_goes_on_when_all_is_given_and_keeps_the_first_day_of_the_budget()
    {
        var first = await CheckAsync("long-enough-password", "me@example.com");
        var second = await CheckAsync("long-enough-password", "me@example.com", start: "2026-01-01");

        Assert.Equal((0, 0), (first.ExitCode, second.ExitCode));
        Assert.Matches(@"^azd env set BUDGET_START \d{4}-\d{2}-01\n$", first.Output);
        Assert.Empty(second.Output);
    }

    /// <summary>What it says to do next, from the repository's root, names what is there, and the values of this cluster.</summary>
    [Fact]
    public async Task Provisioning_ends_with_what_comes_next()
    {
        using var commands = new Commands();
        var variables = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["PATH"] = $"{commands.With("az").With("kubelogin").Folder}:{Environment.GetEnvironmentVariable("PATH")}",
            ["AZURE_RESOURCE_GROUP"] = "group",
            ["AZURE_AKS_CLUSTER_NAME"] = "cluster",
            ["AZURE_KEY_VAULT_NAME"] = "kv-1",
            ["AZURE_TENANT_ID"] = "tenant-1",
            ["AZURE_SECRETS_CLIENT_ID"] = "client-1",
            ["AZURE_CONTAINER_REGISTRY_ENDPOINT"] = "cr1.azurecr.io",
        };

        var result = await Tool.RunAsync("sh", [Path.Combine(Repository.Root, "deploy", "azure", "hooks", "connect.sh")], variables);

        Assert.True(result.ExitCode == 0, result.All);
        Assert.Contains(commands.Calls, call => call.StartsWith("kubelogin convert-kubeconfig", StringComparison.Ordinal));
        var named = result.Output.Split((char[])[' ', '\n', '\''], StringSplitOptions.RemoveEmptyEntries)
            .Where(word => word.StartsWith("deploy/", StringComparison.Ordinal)).ToList();
        Assert.True(named.Count >= 5, result.Output);
        Assert.All(named, path => Assert.True(File.Exists(Path.Combine(Repository.Root, path)), path));
        Assert.Contains("-f deploy/azure/values.yaml -f images.yaml", result.Output, StringComparison.Ordinal);
        Assert.All((string[])["kv-1", "tenant-1", "client-1", "cr1.azurecr.io"],
            word => Assert.Contains(word, result.Output, StringComparison.Ordinal));
    }

    private static async Task<ToolResult> CheckAsync(string password, string email, string? start = null)
    {
        using var commands = new Commands();
        return await Tool.RunAsync(
            "sh", [Path.Combine(Repository.Root, "deploy", "azure", "hooks", "check.sh")],
            new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["PATH"] = $"{commands.With("azd", "echo azd \"$*\"").Folder}:{Environment.GetEnvironmentVariable("PATH")}",
                ["DATABASE_PASSWORD"] = password,
                ["BUDGET_EMAIL"] = email,
                ["BUDGET_START"] = start,
            });
    }
}
