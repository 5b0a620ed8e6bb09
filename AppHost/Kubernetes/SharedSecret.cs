using System.Text.RegularExpressions;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Resources;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>
/// Where secrets come from. Either the chart makes a Secret for each resource from values given at its installation, or all read one
/// that is not the chart's, with an entry for each parameter of the topology.
/// </summary>
internal static partial class SharedSecret
{
    public const string Name = "inference-secrets";

    public static IResourceBuilder<T> WithSecretsFrom<T>(this IResourceBuilder<T> builder, SecretSource source)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
        {
            if (published.Secret is not { } secret)
            {
                return;
            }

            if (source == SecretSource.Chart)
            {
                RequireValues(secret);
                return;
            }

            var container = published.Workload!.PodTemplate.Spec.Containers[0];
            container.EnvFrom.RemoveAll(from => from.SecretRef is not null);
            ReadEntries(container, secret.StringData);
            published.Secret = null;
        });

    /// <summary>Has the operator make the Secret: what the parameter <c>x</c> is stands under <c>inference-template/x</c> in the vault.</summary>
    public static void AddExternal(KubernetesResource published, DeploySettings settings, IEnumerable<string> parameters)
    {
        if (settings.Secrets != SecretSource.External)
        {
            return;
        }

        published.AdditionalResources.Add(new Manifest("external-secrets.io/v1", "ExternalSecret", Name, new()
        {
            ["refreshInterval"] = "1h",
            ["secretStoreRef"] = new Map { ["kind"] = "ClusterSecretStore", ["name"] = settings.SecretStore },
            ["target"] = new Map { ["name"] = Name, ["creationPolicy"] = "Owner" },
            ["data"] = parameters.Select(parameter => new Map
            {
                ["secretKey"] = parameter,
                ["remoteRef"] = new Map { ["key"] = $"inference-template/{parameter}" },
            }).ToArray(),
        }).OfPlatform());
    }

    // An installation without a secret ends with its name, instead of pods that do not start.
    private static void RequireValues(Secret secret)
    {
        foreach (var (key, text) in secret.StringData.ToList())
        {
            secret.StringData[key] = Value().Replace(text, found => $"{{{{ required `{found.Groups["path"].Value[".Values.".Length..]} is not set` {found.Groups["path"].Value} }}}}");
        }
    }

    private static void ReadEntries(ContainerV1 container, Dictionary<string, string> entries)
    {
        // What another variable is composed of has to come before it.
        var composed = entries.Where(entry => Value().Replace(entry.Value, "").Length > 0).ToList();
        foreach (var parameter in composed.SelectMany(entry => Value().Matches(entry.Value)).Select(Parameter).Distinct())
        {
            container.Env.Add(FromSecret(Variable(parameter), parameter));
        }

        container.Env.AddRange(entries.Except(composed).Select(entry => FromSecret(entry.Key, Parameter(Value().Match(entry.Value)))));
        container.Env.AddRange(composed.Select(entry =>
            new EnvVarV1 { Name = entry.Key, Value = Value().Replace(entry.Value, found => $"$({Variable(Parameter(found))})") }));
    }

    private static EnvVarV1 FromSecret(string variable, string parameter) => new()
    {
        Name = variable,
        ValueFrom = new EnvVarSourceV1 { SecretKeyRef = new SecretKeySelectorV1 { Name = Name, Key = parameter } },
    };

    // In values an underscore stands for each hyphen, and the names of our parameters have no underscores.
    private static string Parameter(Match found) => found.Groups["parameter"].Value.Replace('_', '-');

    private static string Variable(string parameter) => $"PARAMETER_{parameter.Replace('-', '_').ToUpperInvariant()}";

    [GeneratedRegex(@"\{\{ (?<path>\.Values\.secrets\.\w+\.(?<parameter>\w+)) \}\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Value();
}
