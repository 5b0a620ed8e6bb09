using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Aspirate;

/// <summary>
/// Puts values for placeholders as aspirate 9.1.0 does (JsonExpressionProcessor, BindingProcessor): a host is the resource's name, a
/// scheme is always http, https has no address, and what it does not know stays as it is written.
/// </summary>
internal sealed partial class ManifestValues(JsonObject resources)
{
    // Types without a processor are not looked at, so nothing can refer to them (ResourceExpressionProcessor.ProcessEvaluations).
    private static readonly string[] s_known = ["project.v0", "container.v0", "parameter.v0", "value.v0"];

    public string Resolve(string text)
    {
        // Values may have placeholders in turn; aspirate looks again as long as one look changed something.
        for (var before = ""; before != text;)
        {
            before = text;
            text = Placeholder().Replace(text, found => Value(found.Groups["path"].Value.Split('.')) ?? found.Value);
        }

        return text;
    }

    private string? Value(string[] path)
    {
        if (!IsKnown(resources[path[0]])) return null;
        if (path is [var name, "bindings", var binding, var property]) return OfBinding(name, binding, property);
        return resources.At(path) is JsonValue value ? value.ToString() : null;
    }

    private string OfBinding(string resource, string name, string property)
    {
        var binding = resources.At(resource, "bindings", name);
        var target = TargetPort(name, binding);
        return property switch
        {
            "host" => resource,
            "port" => $"{binding.Number("port") ?? target}",
            "targetPort" => $"{target}",
            "scheme" => binding.Text("schema") is { Length: > 0 } scheme ? scheme : "http",
            "url" when name == "http" => $"http://{resource}:{target}",
            "url" when name == "https" => "",
            "url" => $"{(binding.Text("protocol") is "http" or "https" ? $"{binding.Text("protocol")}://" : "")}{resource}:{target}",
            _ => throw new InvalidDataException($"aspirate ends on the property {property} of a binding."),
        };
    }

    public static bool IsKnown(JsonNode? resource) => s_known.Contains(resource.Text("type"), StringComparer.Ordinal);

    /// <summary>ResourceExtensions.EnsureBindingsHavePorts.</summary>
    public static int TargetPort(string name, JsonNode? binding) => (int)(binding.Number("targetPort") ?? name switch
    {
        "http" => 8080,
        "https" => 8443,
        _ => 0,
    });

    [GeneratedRegex(@"\{(?<path>[A-Za-z0-9.-]+)\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Placeholder();
}
