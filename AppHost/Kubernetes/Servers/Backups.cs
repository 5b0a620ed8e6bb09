using InferenceTemplate.AppHost.Kubernetes.Networking;
using InferenceTemplate.AppHost.Kubernetes.Pods;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;
using static InferenceTemplate.AppHost.Kubernetes.Rendering.Template;

namespace InferenceTemplate.AppHost.Kubernetes.Servers;

/// <summary>
/// Dumps of the database on a schedule, onto a claim of their own, and their verification: by the scripts of deploy/scripts, in the image
/// of Postgres, which has pg_dump and gpg. A managed database is backed up by who manages it.
/// </summary>
internal static class Backups
{
    private const string Component = PlatformEdges.Backup;
    private const string Verification = "backup-verification";
    private const string When = Switches.Backups;
    private const string Keys = "/keys";
    private const string ScriptFolder = "/scripts";
    private const string Dumps = "/backups";
    private const string Scratch = "/scratch";

    private static readonly string[] s_scripts =
        ["backup.sh", "cluster.sh", "encryption.sh", "restore.sh", "server.sh", "verify-backup.sh"];

    /// <summary>The scripts, as files of the chart.</summary>
    /// <param name="folder">Where the AppHost's sources are.</param>
    public static IEnumerable<(string Path, string Text)> Scripts(string folder) => s_scripts.Select(name =>
        ($"scripts/{name}", File.ReadAllText(Path.Combine(folder, "..", "deploy", "scripts", name))));

    public static IEnumerable<ChartFile> Files()
    {
        var environment = new ComponentEnvironment(Component, [.. Variables()], When);
        return
        [
            ChartFile.Of(
                $"{Component}/serviceaccount.yaml",
                Placement.Account(Component),
                When),
            .. environment.Files(),
            ChartFile.Of($"{Component}/scripts.yaml", new V1ConfigMap
            {
                Metadata = Kubernetes.Component.Named("backup-scripts", Component),
                Data = s_scripts.ToDictionary(name => name, name => $"{{{{ .Files.Get \"scripts/{name}\" }}}}", StringComparer.Ordinal),
            }, When),
            ChartFile.Of($"{Component}/recipient.yaml", new V1ConfigMap
            {
                Metadata = Kubernetes.Component.Named("backup-recipient", Component),
                Data = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["recipient.asc"] = "{{ required \"backups.recipient is not set\" .Values.backups.recipient }}",
                },
            }, When),
            ChartFile.Of($"{Component}/data.yaml", ServerPods.Claim(Component, "backups"), When),
            ChartFile.Of($"{Component}/cronjob.yaml", Backup(environment), When),
            ChartFile.Of($"{Component}/verification.yaml", Verify(), Both(When, ".Values.backups.verification")),
        ];
    }

    // libpq's form of the services' connections.
    private static IEnumerable<Variable> Variables() =>
    [
        new("DATABASE_URL", $"postgresql://postgres@{Kubernetes.Component.ServiceOf(Resources.Postgres)}:5432/{Resources.Database}"
            + $"{{{{ ternary \"{ServerTls.Libpq}\" \"\" .Values.tls }}}}", Switches.PostgresPod),
        new("DATABASE_URL", $"postgresql://{CloudNativePg.Owner}@{CloudNativePg.Primary}:5432/{Resources.Database}{ServerTls.Libpq}",
            Switches.CloudNativePg),
        new("PGPASSWORD", $"$({Resources.PostgresPassword})"),
        new("BACKUP_TOOL", "gpg"),
        new("BACKUP_RECIPIENT", $"{Keys}/recipient.asc"),
        new("BACKUP_DAYS", "{{ .Values.backups.days }}"),
        new("HOME", "/tmp"),
    ];

    private static V1CronJob Backup(ComponentEnvironment environment)
    {
        var pod = Pod("backup", "backup.sh");
        environment.Give(pod.Containers[0]);
        pod.Containers[0].VolumeMounts.Add(new() { Name = "recipient", MountPath = Keys, ReadOnlyProperty = true });
        pod.Volumes.Add(new() { Name = "recipient", ConfigMap = new() { Name = "backup-recipient" } });
        ServicePods.TrustPostgres(pod);
        var template = PodTemplates.Template(Component, pod, environment, evictable: false);

        // Any other sidecar runs on when the dump is done, and the job with it.
        template.Metadata.Annotations[Template.When(Switches.Istio, "sidecar.istio.io/nativeSidecar")] = "true";
        return Job(Component, "{{ .Values.backups.schedule }}", template);
    }

    /// <summary>
    /// Has the private key, and therefore neither the database's password nor its address: it restores into a server of its own.
    /// </summary>
    private static V1CronJob Verify()
    {
        var pod = Pod("verification", "verify-backup.sh");
        var container = pod.Containers[0];
        container.Env =
        [
            new() { Name = "BACKUP_IDENTITY", Value = $"{Keys}/identity.asc" },
            new() { Name = "HOME", Value = "/tmp" },
            new() { Name = "TMPDIR", Value = Scratch },
        ];
        container.VolumeMounts.Add(new() { Name = "identity", MountPath = Keys, ReadOnlyProperty = true });
        container.VolumeMounts.Add(new() { Name = "scratch", MountPath = Scratch });
        pod.Volumes.Add(new() { Name = "identity", Secret = new() { SecretName = "backup-identity", DefaultMode = 0x120 } });
        pod.Volumes.Add(new() { Name = "scratch", EmptyDir = new() { SizeLimit = Quantity(".Values.disks.postgres") } });

        // Of a component of its own, to which the network policies admit nothing, a mesh included.
        Placement.Apply(pod, Component);
        var labels = Kubernetes.Component.Labels(Verification);
        labels[Spliced(Placement.Of(Component, "labels"))] = "";
        labels[Template.When(Switches.Istio, "sidecar.istio.io/inject")] = "false";
        var annotations = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["cluster-autoscaler.kubernetes.io/safe-to-evict"] = "false",
            [Template.When(Switches.Linkerd, "linkerd.io/inject")] = "disabled",
            [Spliced(Placement.Of(Component, "annotations"))] = "",
        };
        return Job(Verification, "{{ .Values.backups.verification }}",
            new() { Metadata = new() { Labels = labels, Annotations = annotations }, Spec = pod });
    }

    private static V1PodSpec Pod(string name, string script)
    {
        var pod = new V1PodSpec
        {
            RestartPolicy = "Never",
            Containers =
            [
                new()
                {
                    Name = name,
                    Image = $"{{{{ .Values.images.{Resources.Postgres} }}}}",
                    Command = ["bash", $"{ScriptFolder}/{script}", Dumps],
                    VolumeMounts =
                    [
                        new() { Name = "scripts", MountPath = ScriptFolder, ReadOnlyProperty = true },
                        new() { Name = "backup-data", MountPath = Dumps },
                    ],
                },
            ],
            Volumes =
            [
                new() { Name = "scripts", ConfigMap = new() { Name = "backup-scripts" } },
                new() { Name = "backup-data", PersistentVolumeClaim = new() { ClaimName = "backup-data" } },
            ],
        };
        Restriction.Postgres.Apply(pod, Component);
        pod.Containers[0].Resources = Quotas.OfOthers;
        return pod;
    }

    private static V1CronJob Job(string name, string schedule, V1PodTemplateSpec template) => new()
    {
        Metadata = Kubernetes.Component.Named(name, name),
        Spec = new()
        {
            Schedule = schedule,
            TimeZone = "Etc/UTC",
            ConcurrencyPolicy = "Forbid",
            StartingDeadlineSeconds = 3600,
            SuccessfulJobsHistoryLimit = 3,
            FailedJobsHistoryLimit = 3,
            JobTemplate = new()
            {
                Spec = new()
                {
                    BackoffLimit = 2,
                    ActiveDeadlineSeconds = 6 * 3600,
                    Template = template,
                },
            },
        },
    };
}
