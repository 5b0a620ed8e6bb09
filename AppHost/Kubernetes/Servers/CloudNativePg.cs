using InferenceTemplate.AppHost.Kubernetes.Pods;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;
using static InferenceTemplate.AppHost.Kubernetes.Rendering.Template;

namespace InferenceTemplate.AppHost.Kubernetes.Servers;

/// <summary>
/// Has the CloudNativePG operator run Postgres: a primary, replicas that take over, TLS by its own authority. Its Services are
/// <c>postgres-rw</c> (the primary), <c>-ro</c> and <c>-r</c>; the product's user owns its database and is no superuser.
/// </summary>
internal static class CloudNativePg
{
    public const string Owner = Resources.Database;

    /// <summary>The Service of the primary.</summary>
    public const string Primary = $"{Resources.Postgres}-rw";

    private const string Login = $"{Resources.Postgres}-login";

    /// <param name="connection">The connection string to the pod of the chart.</param>
    public static string Connection(string connection) => connection
        .Replace($"Host={Component.ServiceOf(Resources.Postgres)}", $"Host={Primary}", StringComparison.Ordinal)
        .Replace("Username=postgres", $"Username={Owner}", StringComparison.Ordinal) + ServerTls.Postgres;

    public static IEnumerable<ChartFile> Files() =>
    [
        new($"{Resources.Postgres}/cluster.yaml", Cluster(), Switches.CloudNativePg),
        ChartFile.Of(
            $"{Resources.Postgres}/login.yaml",
            new V1Secret
            {
                Metadata = Component.Named(Login, Resources.Postgres),
                Type = "kubernetes.io/basic-auth",
                StringData = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["username"] = Owner,
                    ["password"] = SecretMark.Required($"$({Resources.PostgresPassword})"),
                },
            },
            Both(Switches.CloudNativePg, Switches.ChartSecrets)),
        new($"{Resources.Postgres}/login-external.yaml", ExternalLogin(), Both(Switches.CloudNativePg, Switches.ExternalSecrets)),
    ];

    private static CustomResource ExternalLogin() => ExternalSecrets.Secret(
        Login,
        Resources.Postgres,
        new Map
        {
            ["type"] = "kubernetes.io/basic-auth",
            // For the operator to fill, so Helm must leave it alone.
            ["data"] = new Map { ["username"] = Owner, ["password"] = "{{ `{{ .password }}` }}" },
        },
        [ExternalSecrets.Entry("password", Resources.PostgresPassword)]);

    private static Dictionary<string, string> Labels()
    {
        var labels = Component.Labels(Resources.Postgres);
        labels[Spliced(Placement.Of(Resources.Postgres, "labels"))] = "";
        return labels;
    }

    private static CustomResource Cluster() =>
        new("postgresql.cnpg.io/v1", "Cluster", Component.Named(Resources.Postgres, Resources.Postgres), new()
        {
            ["instances"] = Number(".Values.replicas.database"),
            ["imageName"] = "{{ .Values.images.cloudnativepg }}",
            ["imagePullSecrets"] = new[] { new Map { ["name"] = When(Switches.PullSecret, "{{ .Values.imagePullSecret }}") } },
            ["enableSuperuserAccess"] = false,
            ["primaryUpdateStrategy"] = "unsupervised",
            ["bootstrap"] = new Map
            {
                ["initdb"] = new Map { ["database"] = Resources.Database, ["owner"] = Owner, ["secret"] = new Map { ["name"] = Login } },
            },
            ["postgresql"] = new Map
            {
                ["parameters"] = new Map { ["max_connections"] = $"{{{{ {ServerPods.MaxConnections} }}}}" },
                // What was accepted is on two disks; while no replica is there, accepting goes on.
                [When("gt (int .Values.replicas.database) 1", "synchronous")] =
                new Map { ["method"] = "any", ["number"] = 1, ["dataDurability"] = "preferred" },
            },
            ["storage"] = new Map
            {
                ["size"] = "{{ .Values.disks.postgres }}",
                [When(Switches.StorageClass, "storageClass")] = "{{ .Values.storageClass }}",
            },
            ["resources"] = PodTemplates.Resources(Resources.Postgres),
            ["affinity"] = new Map
            {
                ["enablePodAntiAffinity"] = true,
                ["podAntiAffinityType"] = "preferred",
                ["topologyKey"] = "topology.kubernetes.io/zone",
                ["nodeSelector"] = new Map { [Spliced(Placement.Of(Resources.Postgres, "nodeSelector"))] = "" },
                ["tolerations"] = new[] { new Map { ["key"] = Spliced(Placement.Of(Resources.Postgres, "tolerations")) } },
            },
            ["priorityClassName"] = Placement.Priority(Resources.Postgres),
            ["inheritedMetadata"] = new Map
            {
                ["labels"] = Labels(), // which network policies select
                ["annotations"] = new Map { [Spliced(Placement.Of(Resources.Postgres, "annotations"))] = "" },
            },
            ["seccompProfile"] = new Map { ["type"] = "RuntimeDefault" },
            ["stopDelay"] = 120,
        });
}
