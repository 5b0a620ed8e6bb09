using System.Text.Json;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Deploy.Azure;

/// <summary>The rules by which the Azure Developer CLI reads an Aspire manifest; what breaks one ends 'azd up' with an error.</summary>
public sealed partial class ManifestImportTests
{
    private static readonly string[] ImportedTypes =
        ["project.v0", "project.v1", "container.v0", "container.v1", "dockerfile.v0", "parameter.v0", "value.v0", "annotated.string"];

    private static readonly string[] BindingProperties =
        ["host", "port", "url", "scheme", "targetPort", "protocol", "transport", "external"];

    private static readonly JsonElement Resources = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "aspire-manifest.json"))).RootElement.GetProperty("resources");

    [Fact]
    public void Every_entry_has_a_type_that_is_imported() => Assert.All(Resources.EnumerateObject(), entry =>
    {
        Assert.True(entry.Value.TryGetProperty("type", out var type), $"{entry.Name} has no type");
        Assert.Contains(type.GetString(), ImportedTypes);
    });

    [Fact]
    public void Bindings_over_tcp_have_a_target_port() => Assert.All(Bindings(), binding =>
    {
        if (binding.Value.GetProperty("scheme").GetString() == "tcp")
        {
            Assert.True(binding.Value.TryGetProperty("targetPort", out _), $"{binding.Resource}.{binding.Name} has no targetPort");
        }
    });

    [Fact]
    public void No_resource_has_two_groups_of_external_http_bindings() => Assert.All(Bindings().GroupBy(b => b.Resource), bindings =>
    {
        var external = bindings
            .Where(b => b.Value.TryGetProperty("external", out var value) && value.GetBoolean())
            .Select(b => b.Value.TryGetProperty("targetPort", out var port) ? port.GetInt32() : 0)
            .Distinct();
        Assert.True(external.Count() <= 1, $"{bindings.Key} has external bindings on several ports");
    });

    [Fact]
    public void References_are_to_entries_that_exist_and_properties_that_are_known() => Assert.All(References(), reference =>
    {
        var parts = reference.Text.Split('.');
        var said = $"{reference.From}: {{{reference.Text}}}";
        Assert.True(Resources.TryGetProperty(parts[0], out var target), $"{said}: there is no '{parts[0]}'");
        if (parts[1] == "bindings")
        {
            Assert.True(target.GetProperty("bindings").TryGetProperty(parts[2], out _), $"{said}: no such binding");
            Assert.Contains(parts[3], BindingProperties);
        }
        else if (parts[1] == "inputs")
        {
            Assert.Equal(reference.From, parts[0]);
        }
        else
        {
            Assert.Contains(parts[1], (string[])["value", "connectionString"]);
        }
    });

    [Fact]
    public void Secret_parameters_have_no_default_value() => Assert.All(Resources.EnumerateObject(), entry =>
    {
        if (!entry.Value.TryGetProperty("inputs", out var inputs))
        {
            return;
        }

        foreach (var input in inputs.EnumerateObject().Where(i => i.Value.TryGetProperty("secret", out var secret) && secret.GetBoolean()))
        {
            Assert.True(
                !input.Value.TryGetProperty("default", out var value) || !value.TryGetProperty("value", out _),
                $"{entry.Name}: a secret with a default value");
        }
    });

    [Fact]
    public void Arguments_carry_no_secret() => Assert.All(Resources.EnumerateObject(), entry =>
    {
        if (entry.Value.TryGetProperty("args", out var arguments))
        {
            Assert.DoesNotContain(arguments.EnumerateArray(), a => SecretReference().IsMatch(a.GetString()!));
        }
    });

    [Fact]
    public void Projects_are_where_the_manifest_says() => Assert.All(Resources.EnumerateObject(), entry =>
    {
        if (entry.Value.TryGetProperty("path", out var path))
        {
            Assert.True(File.Exists(Path.Combine(Repository.Root, path.GetString()!)), $"{entry.Name}: {path} does not exist");
        }
    });

    private static IEnumerable<(string Resource, string Name, JsonElement Value)> Bindings() =>
        from entry in Resources.EnumerateObject()
        where entry.Value.TryGetProperty("bindings", out _)
        from binding in entry.Value.GetProperty("bindings").EnumerateObject()
        select (entry.Name, binding.Name, binding.Value);

    private static IEnumerable<(string From, string Text)> References() =>
        from entry in Resources.EnumerateObject()
        from match in Reference().Matches(entry.Value.GetRawText())
        select (entry.Name, match.Groups["text"].Value);

    [GeneratedRegex(@"\{(?<text>[a-z][a-z0-9-]*\.[A-Za-z0-9.-]+)\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Reference();

    [GeneratedRegex(@"\{[a-z0-9-]+\.(value|connectionString)\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex SecretReference();
}
