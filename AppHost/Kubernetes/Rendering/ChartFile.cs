using k8s;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes.Rendering;

/// <summary>A file of the chart's folder <c>templates</c>, with one object.</summary>
/// <param name="When">The condition, in Helm's words, on which the object exists.</param>
internal sealed record ChartFile(string Path, object Written, string? When = null)
{
    public static ChartFile Of<T>(string path, T written, string? when = null)
        where T : class, IKubernetesObject => new(path, written.Initialize(), when);

    public string Text => TemplateWriter.Write(Written, When);
}

/// <summary>An object of a kind that comes with an operator.</summary>
internal sealed record CustomResource(string ApiVersion, string Kind, V1ObjectMeta Metadata, Map Spec);

/// <summary>A mapping of its specification.</summary>
internal sealed class Map() : Dictionary<string, object>(StringComparer.Ordinal);
