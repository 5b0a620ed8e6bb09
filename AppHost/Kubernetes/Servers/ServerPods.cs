using InferenceTemplate.AppHost.Kubernetes.Pods;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;
using static InferenceTemplate.AppHost.Kubernetes.Rendering.Template;

namespace InferenceTemplate.AppHost.Kubernetes.Servers;

/// <summary>Postgres or Redis as the chart runs it: one pod, restarted in place, its data on a claim.</summary>
internal sealed record ServerPods(string Name, ComponentEnvironment Environment, Restriction Restriction, int Port)
{
    private const string Certificates = "/tls";

    // A database that was not shut down reads its log again before it answers.
    private const int StartupFailures = 120;

    public required int TerminationSeconds { get; init; }

    public required string DataFolder { get; init; }

    public required string When { get; init; }

    public IReadOnlyList<string> Command { get; init; } = [];

    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>How much memory its processes may share as files, which a container has little of; null for that little.</summary>
    public string? Shared { get; init; }

    /// <summary>The command by which the server itself says that it is ready.</summary>
    public required IReadOnlyList<string> Ready { get; init; }

    /// <summary>
    /// What all pods may open at once during an update, and some for backups, exporters and people: with fewer, a load that scales the Api
    /// up would end in refused connections.
    /// </summary>
    public const string MaxConnections = "include \"connections\" .";

    /// <summary>The named template.</summary>
    public const string ConnectionsTemplate = """
        {{/* Connections to Postgres that all pods may open at their most, and others beside them. */}}
        {{- define "connections" -}}
        {{- $pods := include "pods" . | fromYaml -}}
        {{ add (mul (add $pods.api $pods.worker) .Values.poolSize) 30 }}
        {{- end }}
        """;

    private const string Memory = ".Values.sizes.postgres.memory | trimSuffix \"Mi\" | int64";

    // Says itself that its certificate is the new one, whatever the old one was.
    private const string Renewed = "REDISCLI_AUTH=$REDIS_PASSWORD redis-cli --tls --insecure"
        + $" config set tls-cert-file {Certificates}/tls.crt tls-key-file {Certificates}/tls.key";

    /// <summary>
    /// What a shell runs before the server takes its place: cert-manager renews certificates long before they end, and a server reads its
    /// own when it is told to.
    /// </summary>
    private static string Reload(string command) => $"(while sleep 3600; do {command}; done) >/dev/null & exec ";

    private string WhenTls => $"and .Values.tls ({When})";

    public static ServerPods Postgres(ComponentEnvironment environment) => new(Resources.Postgres, environment, Restriction.Postgres, 5432)
    {
        When = Switches.PostgresPod,
        TerminationSeconds = 120,
        DataFolder = "/var/lib/postgresql",
        Command = [.. new[] { "/bin/sh", "-c", Reload("kill -HUP 1") + "docker-entrypoint.sh postgres \"$@\"", "postgres" }
            .Select(word => Template.When(".Values.tls", word))],
        Shared = $"printf \"%dMi\" (div ({Memory}) 8)",
        Arguments =
        [
            "-c", $"max_connections={{{{ {MaxConnections} }}}}", "-c", $"shared_buffers={{{{ div ({Memory}) 4 | toString }}}}MB",
            .. new[]
            {
                "-c", "ssl=on", "-c", $"ssl_cert_file={Certificates}/tls.crt", "-c", $"ssl_key_file={Certificates}/tls.key",
                "-c", "ssl_min_protocol_version=TLSv1.2",
            }.Select(argument => Template.When(".Values.tls", argument)),
        ],
        Ready = ["pg_isready", "--host=127.0.0.1", "--username=postgres"],
    };

    /// <param name="arguments">Those of the topology; the last is the line that a shell runs.</param>
    public static ServerPods Redis(ComponentEnvironment environment, IReadOnlyList<string> arguments)
    {
        // A shell would take a password with spaces or stars for several words.
        var line = arguments[^1].Replace(" $REDIS_PASSWORD", " \"$REDIS_PASSWORD\"", StringComparison.Ordinal);
        var tls = $" --port 0 --tls-port 6379 --tls-cert-file {Certificates}/tls.crt --tls-key-file {Certificates}/tls.key"
            + $" --tls-ca-cert-file {Certificates}/ca.crt --tls-auth-clients no";
        return new(Resources.Redis, environment, Restriction.Redis, 6379)
        {
            When = Switches.RedisPod,
            TerminationSeconds = 60,
            DataFolder = "/data",
            Command = ["/bin/sh"],
            Arguments =
            [
                .. arguments.SkipLast(1),
                $"{{{{ ternary `{Reload(Renewed)}` \"\" .Values.tls }}}}{line}{{{{ ternary \"{tls}\" \"\" .Values.tls }}}}",
            ],
            Ready =
            [
                "/bin/sh", "-c",
                $"REDISCLI_AUTH=$REDIS_PASSWORD redis-cli{{{{ ternary \" --tls --cacert {Certificates}/ca.crt\" \"\" .Values.tls }}}} ping | grep -q PONG",
            ],
        };
    }

    public IEnumerable<ChartFile> Files() =>
    [
        ChartFile.Of($"{Name}/statefulset.yaml", StatefulSet(), When),
        .. Component.Beside(Name, When, ("tcp", Port)),
        .. Environment.Files(),
        ChartFile.Of($"{Name}/data.yaml", Claim(Name, Name), When),
        new($"{Name}/tls.yaml", ServerTls.Certificate(Name), WhenTls),
    ];

    private V1StatefulSet StatefulSet()
    {
        var container = new V1Container
        {
            Name = Name,
            Image = $"{{{{ .Values.images.{Name} }}}}",
            Command = Command.Count > 0 ? [.. Command] : null,
            Args = [.. Arguments],
            Ports = [new() { Name = "tcp", Protocol = "TCP", ContainerPort = Port }],
            // Restarted only when nothing listens any more; out of service while the server itself says that it is not ready.
            StartupProbe = Probe(periodSeconds: 2, StartupFailures, new() { Command = [.. Ready] }),
            ReadinessProbe = Probe(periodSeconds: 5, failures: 3, new() { Command = [.. Ready] }),
            LivenessProbe = Probe(periodSeconds: 10, failures: 6, command: null),
            VolumeMounts = [new() { Name = $"{Name}-data", MountPath = DataFolder }],
        };
        container.LivenessProbe.TcpSocket = new() { Port = Port };
        var pod = new V1PodSpec
        {
            Containers = [container],
            TerminationGracePeriodSeconds = TerminationSeconds,
            Volumes = [new() { Name = $"{Name}-data", PersistentVolumeClaim = new() { ClaimName = $"{Name}-data" } }],
        };
        Restriction.Apply(pod, Name);
        Environment.Give(container);
        if (Shared is not null)
        {
            pod.Volumes.Add(new() { Name = "shm", EmptyDir = new() { Medium = "Memory", SizeLimit = Template.Quantity(Shared) } });
            container.VolumeMounts.Add(new() { Name = "shm", MountPath = "/dev/shm" });
        }

        // Postgres refuses a key that others may read: root owns it, and the pod's group reads it.
        pod.Volumes.Add(
            new() { Name = Template.When(".Values.tls", "tls"), Secret = new() { SecretName = $"{Name}-tls", DefaultMode = 0x120 } });
        container.VolumeMounts.Add(new() { Name = Template.When(".Values.tls", "tls"), MountPath = Certificates, ReadOnlyProperty = true });
        return new()
        {
            Metadata = Component.Named($"{Name}-statefulset", Name),
            Spec = new()
            {
                Replicas = 1,
                ServiceName = Component.ServiceOf(Name),
                Selector = Component.Selector(Name),
                // Its data is elsewhere, but moving it stops everything: not for the sake of a node's cost.
                Template = PodTemplates.Template(Name, pod, Environment, evictable: false),
            },
        };
    }

    /// <summary>The claim of a component; it outlives the release: uninstalling the chart leaves it.</summary>
    /// <param name="disk">Whose size among the values it has.</param>
    public static V1PersistentVolumeClaim Claim(string component, string disk)
    {
        var metadata = Component.Named($"{component}-data", component);
        metadata.Annotations = new Dictionary<string, string>(StringComparer.Ordinal) { ["helm.sh/resource-policy"] = "keep" };
        return new()
        {
            Metadata = metadata,
            Spec = new()
            {
                AccessModes = ["ReadWriteOnce"],
                Resources = new()
                {
                    Requests = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal)
                    {
                        ["storage"] = Quantity($".Values.disks.{disk}"),
                    },
                },
                StorageClassName = FieldWhen(Switches.StorageClass, "{{ .Values.storageClass }}"),
            },
        };
    }

    private static V1Probe Probe(int periodSeconds, int failures, V1ExecAction? command) =>
        new() { PeriodSeconds = periodSeconds, TimeoutSeconds = 3, FailureThreshold = failures, Exec = command };
}
