using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;
using static InferenceTemplate.AppHost.Kubernetes.Rendering.Template;

namespace InferenceTemplate.AppHost.Kubernetes.Pods;

/// <summary>
/// Settings of a service that an installation gives it (docs/configuration.md) over those of the topology: a ConfigMap of the values
/// <c>settings</c>, and a Secret of the installation's own for what is secret among them.
/// </summary>
internal sealed record Settings(string Service)
{
    private string Given => $".Values.settings.{Service}";

    private string Secret => $".Values.settingsSecrets.{Service}";

    public ChartFile File() => ChartFile.Of($"{Service}/settings.yaml", new V1ConfigMap
    {
        Metadata = Component.Named($"{Service}-settings", Service),
        Data = new Dictionary<string, string>(StringComparer.Ordinal) { [Whole(Given)] = "" },
    }, Given);

    /// <summary>The last source of a name wins.</summary>
    public void Give(V1Container container)
    {
        container.EnvFrom.Add(new() { ConfigMapRef = new() { Name = When(Given, $"{Service}-settings") } });
        container.EnvFrom.Add(new() { SecretRef = new() { Name = When(Secret, $"{{{{ {Secret} }}}}") } });
    }

    public void Notice(V1PodTemplateSpec template) =>
        template.Metadata.Annotations[When(Given, "checksum/settings")] = $"{{{{ {Given} | toYaml | sha256sum }}}}";
}
