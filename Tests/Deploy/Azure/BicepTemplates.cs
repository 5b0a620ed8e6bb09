using System.Reflection;
using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Deploy.Scripts;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Azure;

/// <summary>deploy/azure/infra, compiled once for all tests of a class.</summary>
public sealed class BicepTemplates
{
    private Task<ToolResult>? _compilation;

    internal static string Folder { get; } = Path.Combine(Repository.Root, "deploy", "azure", "infra");

    // Of the package that comes with the build on Linux x64; elsewhere one on the PATH, or the one of 'az bicep install'.
    private static string? Compiler => new[]
    {
        typeof(BicepTemplates).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .SingleOrDefault(each => each.Key == "Bicep")?.Value,
        Tool.Find("bicep"),
        Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".azure", "bin", "bicep"),
    }.FirstOrDefault(File.Exists);

    internal Task<ToolResult> CompileAsync()
    {
        Assert.SkipUnless(Compiler is not null, "the Bicep compiler is missing: az bicep install, or put bicep on the PATH");
        return _compilation ??= Tool.RunAsync(Compiler!, ["build", "--stdout", Path.Combine(Folder, "main.bicep")]);
    }

    internal async Task<JsonObject> MainAsync()
    {
        var result = await CompileAsync();
        return result.ExitCode == 0 ? JsonNode.Parse(result.Output)!.AsObject() : throw new InvalidOperationException(result.Errors);
    }

    /// <summary>The main template and those of its modules, which are deployments inside it.</summary>
    internal async Task<IReadOnlyList<JsonNode>> AllAsync()
    {
        var main = await MainAsync();
        return [main, .. Resources(main).Select(resource => resource.At("properties", "template")).OfType<JsonNode>()];
    }

    /// <summary>The only resource of a type.</summary>
    internal async Task<JsonNode> ResourceAsync(string type) =>
        Assert.Single((await AllAsync()).SelectMany(Resources), resource => resource.Text("type") == type && !resource.IsTrue("existing"));

    /// <summary>The resources of a template: a list, or named ones.</summary>
    internal static IEnumerable<JsonNode> Resources(JsonNode template) =>
        template["resources"] is JsonObject named ? named.Select(each => each.Value!) : template.Items("resources");
}
