using System.Globalization;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using InferenceTemplate.AppHost.Lifecycle;
using k8s.Models;
using static InferenceTemplate.AppHost.Kubernetes.Rendering.Template;

namespace InferenceTemplate.AppHost.Kubernetes.Pods;

/// <summary>The Deployment of one of the product's services.</summary>
internal sealed record ServicePods(string Name, ComponentEnvironment Environment, Restriction Restriction, int TerminationSeconds)
{
    /// <summary>The value with the image for nodes with a GPU: the other has no CUDA, and there a worker refuses to go without.</summary>
    public const string CudaImage = "workerCuda";

    private const int Port = 8080;

    // Health checks end after two seconds, with a result; a probe must wait longer, or it never gets one.
    private const int ProbeTimeout = 3;

    // What the large clouds taint their spot nodes with.
    private static readonly (string Key, string Value)[] s_spot =
        [("kubernetes.azure.com/scalesetpriority", "spot"), ("cloud.google.com/gke-spot", "true"),
            ("eks.amazonaws.com/capacityType", "SPOT")];

    /// <summary>Whether somebody calls it: then it goes on serving until every node knows that the endpoint is gone.</summary>
    public bool IsCalled { get; init; } = true;

    /// <summary>Whether it calls Postgres and Redis.</summary>
    public bool UsesServers { get; init; } = true;

    public bool UsesGpu { get; init; }

    /// <summary>Whether it speaks gRPC, at a port of its own.</summary>
    public bool SpeaksGrpc { get; init; }

    /// <summary>Whether the Api calls each pod by its own address.</summary>
    public bool TakesDirectCalls { get; init; }

    /// <summary>
    /// The value that tells how many; null where an autoscaler may do: with a number, every upgrade would set the load aside.
    /// </summary>
    public string? Replicas { get; init; }

    // A direct call goes to a pod's own address, not to the Service.
    private (string Name, int Number)[] Ports => SpeaksGrpc ? [("http", Port), ("grpc", Services.GrpcPort)] : [("http", Port)];

    private (string Name, int Number)[] PodPorts => TakesDirectCalls ? [.. Ports, ("direct", Services.DirectPort)] : Ports;

    public IEnumerable<ChartFile> Files() =>
    [
        ChartFile.Of($"{Name}/deployment.yaml", Deployment()),
        .. Component.Beside(Name, when: null, Ports),
        .. Environment.Files(),
        new Settings(Name).File(),
        .. TakesDirectCalls ? (ChartFile[])[ChartFile.Of($"{Name}/direct-service.yaml", DirectService(), Switches.Istio)] : [],
    ];

    /// <summary>
    /// Nobody asks for its name: by it Istio knows the pods' own addresses, and a call to one that it does not know would go out plain and
    /// be refused.
    /// </summary>
    private V1Service DirectService() => new()
    {
        Metadata = Component.Named($"{Name}-direct", Name),
        Spec = new()
        {
            ClusterIP = "None",
            Selector = Component.Labels(Name),
            Ports =
            [
                new()
                {
                    Name = "direct", AppProtocol = "tcp", Protocol = "TCP", Port = Services.DirectPort, TargetPort = Services.DirectPort,
                },
            ],
        },
    };

    private V1Deployment Deployment()
    {
        var settings = new Settings(Name);
        var container = new V1Container
        {
            Name = Name,
            Image = UsesGpu
                ? $"{{{{ ternary .Values.images.{CudaImage} .Values.images.{Name} ({Switches.Gpu}) }}}}"
                : $"{{{{ .Values.images.{Name} }}}}",
            Ports = [.. PodPorts.Select(port => new V1ContainerPort { Name = port.Name, Protocol = "TCP", ContainerPort = port.Number })],
            // Alive: the process is well, else the pod is restarted. Healthy: it can do its work, and gets requests.
            StartupProbe = Probe("/alive", periodSeconds: 2, failures: 60),
            LivenessProbe = Probe("/alive", periodSeconds: 10, failures: 3),
            ReadinessProbe = Probe("/health", periodSeconds: 5, failures: 2),
            Lifecycle = IsCalled ? new() { PreStop = new() { Sleep = new() { Seconds = Draining.Deregistration } } } : null,
            VolumeMounts = [],
        };
        var pod = new V1PodSpec
        {
            Containers = [container],
            Volumes = [],
            TerminationGracePeriodSeconds = TerminationSeconds,
            TopologySpreadConstraints = [Spread("topology.kubernetes.io/zone"), Spread("kubernetes.io/hostname")],
        };
        Restriction.Apply(pod, Name);
        Environment.Give(container);
        settings.Give(container);
        if (UsesServers)
        {
            TrustPostgres(pod);
            Trust(
                pod, Resources.Redis, $"{{{{ ternary \"redis-tls\" .Values.managedAuthorities.redis ({Switches.RedisPod}) }}}}",
                Switches.RedisAuthority);
        }

        if (UsesGpu)
        {
            UseGpu(pod);
        }

        var template = PodTemplates.Template(Name, pod, Environment, evictable: true);
        settings.Notice(template);
        if (TakesDirectCalls)
        {
            // The worker speaks first, and a proxy that looks for a protocol waits ten seconds for the caller's word.
            template.Metadata.Annotations[When(Switches.Linkerd, "config.linkerd.io/opaque-ports")] =
                Services.DirectPort.ToString(CultureInfo.InvariantCulture);
        }

        return new()
        {
            Metadata = Component.Named($"{Name}-deployment", Name),
            Spec = new()
            {
                Replicas = Replicas is null ? Number($".Values.replicas.{Name}.min", Switches.FixedReplicas) : Number(Replicas),
                RevisionHistoryLimit = 3,
                // Where all GPUs are taken, one more pod would wait for one until the update gives up.
                Strategy = new()
                {
                    Type = "RollingUpdate",
                    RollingUpdate = new()
                    {
                        MaxSurge = UsesGpu ? Number($"ternary 0 1 ({Switches.Gpu})") : 1,
                        MaxUnavailable = UsesGpu ? Number($"ternary 1 0 ({Switches.Gpu})") : 0,
                    },
                },
                Selector = Component.Selector(Name),
                // What is in /tmp is nobody's loss; otherwise the autoscaler would keep every node on which such a pod runs.
                Template = template,
            },
        };
    }

    /// <summary>Where Postgres has a certificate of ours.</summary>
    public static void TrustPostgres(V1PodSpec pod) => Trust(
        pod,
        Resources.Postgres,
        $"{{{{ ternary .Values.managedAuthorities.postgres (ternary \"postgres-ca\" \"postgres-tls\" ({Switches.CloudNativePg}))"
            + $" ({Switches.ManagedPostgres}) }}}}",
        Switches.PostgresAuthority);

    /// <summary>
    /// Gives a service the certificate by which it knows the server, and nothing else of that Secret. As a folder: a single file that is
    /// mounted stays what it was when the pod started, while certificates are renewed.
    /// </summary>
    private static void Trust(V1PodSpec pod, string server, string secret, string when)
    {
        var name = When(when, $"{server}-authority");
        pod.Volumes.Add(new()
        {
            Name = name,
            Secret = new() { SecretName = secret, Items = [new() { Key = "ca.crt", Path = "ca.crt" }] },
        });
        pod.Containers[0].VolumeMounts.Add(new()
        {
            Name = name,
            MountPath = $"/authorities/{server}",
            ReadOnlyProperty = true,
        });
    }

    /// <summary>
    /// One GPU for each pod, on nodes that have one. A worker with a GPU refuses to compute on the processor: that would cost the same
    /// and answer late.
    /// </summary>
    private static void UseGpu(V1PodSpec pod)
    {
        pod.Containers[0].Resources.Limits[When(Switches.Gpu, "nvidia.com/gpu")] = new("1");
        pod.NodeSelector = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [When(Switches.Gpu, "nvidia.com/gpu.present")] = "true",
        };
        pod.Tolerations =
        [
            new() { Key = When(Switches.Gpu, "nvidia.com/gpu"), OperatorProperty = "Exists", Effect = "NoSchedule" },
            .. s_spot.Select(taint => new V1Toleration
            {
                Key = When(Both(Switches.Gpu, Switches.SpotGpu), taint.Key),
                OperatorProperty = "Equal",
                Value = taint.Value,
                Effect = "NoSchedule",
            }),
        ];
    }

    // Spread over zones and nodes. A zone that is down, or has no GPU free, must not keep pods from running in the others.
    private V1TopologySpreadConstraint Spread(string topology) => new()
    {
        MaxSkew = 1,
        TopologyKey = topology,
        WhenUnsatisfiable = "ScheduleAnyway",
        LabelSelector = Component.Selector(Name),
        MatchLabelKeys = ["pod-template-hash"],
    };

    private static V1Probe Probe(string path, int periodSeconds, int failures) => new()
    {
        HttpGet = new() { Scheme = "HTTP", Path = path, Port = Port },
        InitialDelaySeconds = 0,
        PeriodSeconds = periodSeconds,
        TimeoutSeconds = ProbeTimeout,
        FailureThreshold = failures,
        SuccessThreshold = 1,
    };
}

/// <summary>How long pods have to end their work, each part longer than what it waits for.</summary>
internal static class Draining
{
    // Until every node knows that an endpoint is gone, requests still come; the server goes on for that long.
    public const int Deregistration = 10;

    // A .NET host gives up on its own after 30 seconds; being killed before that would cut off what it still finishes.
    private const int HostShutdown = 30;

    // What a worker takes at most to return to the queue what it did not finish.
    private const int ReturnToQueue = 5;

    // What the Api takes at most to send an answer once it has it.
    private const int Answer = 5;

    private const int Margin = 10;

    /// <summary>For services that are called: first no new requests, then the end of the old ones, the longest of them too.</summary>
    public static int OfCalls => Deregistration + Math.Max(Shutdown.LongestCall + Answer, HostShutdown) + Margin;

    /// <summary>For the worker, which nobody calls.</summary>
    public static int OfWork => Math.Max(Shutdown.WorkerDrain + ReturnToQueue, HostShutdown) + Margin;
}
