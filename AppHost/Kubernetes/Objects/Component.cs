using Aspire.Hosting.Kubernetes.Resources;

namespace InferenceTemplate.AppHost.Kubernetes.Objects;

/// <summary>How objects name the pods of a component: by the labels that the publisher gives them.</summary>
internal static class Component
{
    public const string Label = "app.kubernetes.io/component";

    private static readonly Dictionary<string, string> s_release = new()
    {
        ["app.kubernetes.io/name"] = "{{ .Chart.Name }}",
        ["app.kubernetes.io/instance"] = "{{ .Release.Name }}",
    };

    public static Dictionary<string, string> Labels(string component) => new(s_release) { [Label] = component };

    public static Map Selector(string component) => new() { ["matchLabels"] = Labels(component) };

    /// <summary>Marks what belongs to the release as a whole and is only written beside a component.</summary>
    public static T OfPlatform<T>(this T written)
        where T : BaseKubernetesResource
    {
        written.Metadata.Labels[Label] = "platform";
        return written;
    }
}
