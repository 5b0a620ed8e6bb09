using InferenceTemplate.AppHost.Kubernetes.Rendering;

namespace InferenceTemplate.AppHost.Kubernetes.Servers;

/// <summary>
/// Has the External Secrets operator make a Secret: the secret <c>x</c> stands in the vault under the value <c>secretPrefix</c> and its
/// name.
/// </summary>
internal static class ExternalSecrets
{
    /// <summary>The Secret that all services read.</summary>
    public static ChartFile Shared(IEnumerable<(string Name, string? When)> secrets) => new(
        "platform/inference-secrets.yaml",
        Secret(ComponentEnvironment.SharedSecret, Component.Platform, template: null,
            [.. secrets.Select(secret => Entry(secret.Name, secret.Name, secret.When))]),
        Switches.ExternalSecrets);

    public static CustomResource Secret(string name, string component, Map? template, Map[] entries)
    {
        var target = new Map { ["name"] = name, ["creationPolicy"] = "Owner" };
        if (template is not null)
        {
            target["template"] = template;
        }

        return new("external-secrets.io/v1", "ExternalSecret", Component.Named(name, component), new()
        {
            ["refreshInterval"] = "1h",
            ["secretStoreRef"] = new Map { ["kind"] = "ClusterSecretStore", ["name"] = "{{ .Values.secretStore }}" },
            ["target"] = target,
            ["data"] = entries,
        });
    }

    public static Map Entry(string key, string secret, string? when = null) => new()
    {
        ["secretKey"] = Template.When(when, key),
        ["remoteRef"] = new Map { ["key"] = $"{{{{ .Values.secretPrefix }}}}{secret}" },
    };
}
