using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Azure;

/// <summary>deploy/azure/infra as Microsoft's compiler reads it: it knows each type of resource and what may stand in it.</summary>
public sealed partial class BicepTests(BicepTemplates templates) : IClassFixture<BicepTemplates>
{
    [Fact]
    public async Task Templates_compile_without_a_warning() => Assert.Equal("", (await templates.CompileAsync()).Errors);

    [Fact]
    public async Task Every_file_is_part_of_the_whole()
    {
        var main = await File.ReadAllTextAsync(Path.Combine(BicepTemplates.Folder, "main.bicep"), TestContext.Current.CancellationToken);

        var files = Directory.GetFiles(BicepTemplates.Folder, "*.bicep")
            .Select(Path.GetFileName).Where(file => file != "main.bicep").ToList();
        Assert.NotEmpty(files);
        Assert.All(files, file => Assert.Contains($" '{file}' = ", main, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Parameters_file_gives_what_has_no_default_and_nothing_unknown()
    {
        var declared = (await templates.MainAsync())["parameters"]!.AsObject();
        var path = Path.Combine(BicepTemplates.Folder, "main.parameters.json");
        var file = JsonNode.Parse(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        var given = file!["parameters"]!.AsObject().Select(parameter => parameter.Key).ToList();

        var needed = declared.Where(parameter => parameter.Value.At("defaultValue") is null).Select(parameter => parameter.Key);
        Assert.Empty(needed.Except(given));
        Assert.Empty(given.Except(declared.Select(parameter => parameter.Key)));
    }

    /// <summary>A value that changes by itself changes the cloud at each deployment; one that the plan lacks is a change there.</summary>
    [Fact]
    public async Task Plan_of_the_workflow_has_every_parameter_and_none_has_a_value_of_its_own_time()
    {
        var workflow = Path.Combine(Repository.Root, ".github", "workflows", "infrastructure.yml");
        var text = await File.ReadAllTextAsync(workflow, TestContext.Current.CancellationToken);
        var file = JsonNode.Parse(await File.ReadAllTextAsync(
            Path.Combine(BicepTemplates.Folder, "main.parameters.json"), TestContext.Current.CancellationToken));

        Assert.All(file!["parameters"]!.AsObject(), parameter => Assert.Contains($" {parameter.Key}=\"$", text, StringComparison.Ordinal));
        Assert.All((await templates.MainAsync())["parameters"]!.AsObject(),
            parameter => Assert.DoesNotContain("utcNow", parameter.Value!.ToJsonString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Secrets_are_marked_as_such()
    {
        var secrets = (await templates.AllAsync())
            .SelectMany(template => template.At("parameters")?.AsObject() ?? [])
            .Where(parameter => Secret().IsMatch(parameter.Key))
            .ToList();

        string[] expected = ["connectionStrings", "databasePassword", "password"];
        Assert.Equal(expected, secrets.Select(parameter => parameter.Key).Order(StringComparer.Ordinal));
        Assert.All(secrets, parameter => Assert.StartsWith("secure", parameter.Value.Text("type"), StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Redis_has_no_public_address_and_its_clients_get_the_port_that_it_listens_on()
    {
        var cache = await templates.ResourceAsync("Microsoft.Cache/redisEnterprise");
        var database = await templates.ResourceAsync("Microsoft.Cache/redisEnterprise/databases");
        var secrets = (await templates.AllAsync()).SelectMany(BicepTemplates.Resources)
            .Where(each => each.Text("name").Contains("'inference-template-redis-connection'", StringComparison.Ordinal));

        Assert.Equal("Disabled", cache.Text("properties", "publicNetworkAccess"));
        // What the chart's network policies admit to managed servers by themselves.
        Assert.Equal(10000, database.Number("properties", "port"));
        Assert.Contains("'default'), '2025-07-01').port", Assert.Single(secrets).Text("properties", "value"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_with_a_gpu_have_the_label_that_the_worker_asks_for_and_the_taint_that_it_bears()
    {
        var pool = await templates.ResourceAsync("Microsoft.ContainerService/managedClusters/agentPools");
        var overlay = Path.Combine(BicepTemplates.Folder, "..", "..", "aspirate", "overlay", "worker.yaml");
        var deployment = YamlJson.Parse(await File.ReadAllTextAsync(overlay, TestContext.Current.CancellationToken)).Single();
        var pod = deployment.At("spec", "template", "spec");

        Assert.Equal(pod.Entries("nodeSelector"), pool.Entries("properties", "nodeLabels"));
        var toleration = Assert.Single(pod.Items("tolerations"));
        var taint = Assert.Single(pool.Items("properties", "nodeTaints")).ToString();
        Assert.Equal("Exists", toleration.Text("operator"));
        Assert.Matches($"^{toleration.Text("key")}=.*:{toleration.Text("effect")}$", taint);
    }

    [GeneratedRegex("([pP]assword|[sS]trings|[kK]ey)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Secret();
}
