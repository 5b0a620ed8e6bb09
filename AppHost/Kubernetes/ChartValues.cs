using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using InferenceTemplate.AppHost.Kubernetes.Environments;
using InferenceTemplate.AppHost.Kubernetes.Pods;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using static InferenceTemplate.AppHost.Kubernetes.ValueSchema;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>One of the chart's values.</summary>
/// <param name="Varies">Whether an environment's own file has it.</param>
internal sealed record ChartValue(
    string Name, string Comment, JsonObject Schema, Func<DeployEnvironment, JsonNode> Of, bool Varies = false);

/// <summary>The chart's values: what each is, what it may be, and what it is in each environment.</summary>
internal sealed class ChartValues(Topology topology, IEnumerable<string> secrets)
{
    private static readonly string[] s_sized =
    [
        Resources.Api,
        Resources.Worker,
        Resources.Web,
        Resources.Postgres,
        Resources.Redis,
    ];

    private static readonly string[] s_services = [Resources.Api, Resources.Worker, Resources.Web];
    private static readonly string[] s_pods = [.. s_sized, Networking.PlatformEdges.Backup];

    private IReadOnlyList<ChartValue> All =>
    [
        new("environment", "Name of the environment, for telemetry.", Text("^[a-z][a-z0-9-]*$"), on => on.Name, Varies: true),
        new("hosts", "Names under which clients and browsers find the product.", Mapping(Host, HostNames), on => new JsonObject
        {
            ["api"] = on.Hosts.Api,
            ["web"] = on.Hosts.Web,
        }, Varies: true),
        new("images",
            "Images; deploy/scripts/images.sh builds those of the services and writes their digests as values. workerCuda: the worker's on "
            + "nodes with a GPU (gpu), worker: elsewhere.",
            Mapping(Text("^\\S+$"), ImageNames), _ => new JsonObject
        {
            ["api"] = "api:latest",
            ["worker"] = "worker:latest",
            [ServicePods.CudaImage] = "worker-cuda:latest",
            ["web"] = "web:latest",
            ["postgres"] = Topology.Image(topology.Resource(Resources.Postgres)),
            ["redis"] = Topology.Image(topology.Resource(Resources.Redis)),
            ["cloudnativepg"] = "ghcr.io/cloudnative-pg/postgresql:18",
        }),
        new("imagePullSecret", "The Secret with the login to a registry that asks for one, which you make; empty: none.",
            Text("^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$"), _ => ""),
        new(
            "secretSource",
            "chart: Secrets are made of the values below; existing: all read the Secret inference-secrets, which you make; "
            + "external: the External Secrets operator makes it.",
            OneOf("chart", "existing", "external"), _ => "chart"),
        new("secrets", "With secretSource chart, what the switches need of these must be given (deploy/scripts/secret-values.sh).",
            Mapping([.. secrets.Select(SecretMark.Value).Select(name => (name, OfSecret(name)))]), _ =>
            new JsonObject(secrets.Select(secret => KeyValuePair.Create(SecretMark.Value(secret), (JsonNode?)"")))),
        new("secretStore", "The ClusterSecretStore of the External Secrets operator.", Text("^\\S+$"), _ => "vault"),
        new(
            "secretPrefix",
            "What the names of the secrets in the vault begin with. Azure's may have letters, digits and dashes only; of others, it may be "
            + "a path.",
            Text("^[A-Za-z0-9/_.-]*$"), _ => "inference-template-"),
        new(
            "database",
            "incluster: one Postgres pod; managed: somebody else's, reached by secrets.inferenceConnection; cloudnativepg: "
            + "the operator's.",
            OneOf("incluster", "managed", "cloudnativepg"), _ => "incluster"),
        new(
            "poolSize",
            "Connections to Postgres that each pod of the Api and of the workers opens at most. The chart's own server and the operator's "
            + "take as many as all pods at their most may open; one that others manage has to.",
            Whole(15), _ => 20),
        new(
            "redis",
            "incluster: one Redis pod; managed: somebody else's, reached by secrets.redisConnection.",
            OneOf("incluster", "managed"), _ => "incluster"),
        new(
            "managedPorts",
            "Ports of managed servers, which the network policies admit. Azure Managed Redis listens at 10000, MinIO as storage at 9000.",
            Mapping(Whole(1, 65535), "postgres", "redis", "storage"),
            _ => new JsonObject { ["postgres"] = 5432, ["redis"] = 10000, ["storage"] = 443 }),
        new(
            "managedAuthorities",
            "Secrets, which you make, with an entry ca.crt that certifies a managed server, such as one of Amazon RDS; empty: who "
            + "certifies it is one whom everybody knows.",
            Mapping(Text(Name), "postgres", "redis"), _ => new JsonObject { ["postgres"] = "", ["redis"] = "" }),
        new(
            "tls",
            "TLS to the chart's servers, with certificates of cert-manager. Managed servers and the operator's always have it.",
            Flag(), _ => false),
        new("mesh", "Who encrypts the hops between pods: none, linkerd or istio.", OneOf("none", "linkerd", "istio"), _ => "none"),
        new("gpu", "Nodes for workers: none have a GPU, ondemand, or spot.", OneOf("none", "ondemand", "spot"), on => on.Gpu, Varies: true),
        new("recommendations", "Objects of the vertical autoscaler that recommend sizes and change nothing.", Flag(), _ => false),
        new("monitoring", "Alerts and scraping as objects of Prometheus' operator, which the cluster must have.", Flag(), _ => false),
        new(
            "monitoringRelease",
            "The label 'release' of those objects, by which kube-prometheus-stack chooses: its own release's name; empty: none.",
            Text("^[A-Za-z0-9._-]*$"), _ => ""),
        new(
            "backups",
            "Encrypted dumps of the database, onto a claim, at a schedule (of cron, in UTC), kept for some days. recipient: the public key "
            + "(gpg --armor --export); verification: the schedule by which the newest is restored on trial with the private key, the entry "
            + "identity.asc of a Secret backup-identity that you make; empty: never.",
            Mapping(
                ("enabled", Flag()), ("schedule", Text(Schedule)), ("days", Whole(1)), ("recipient", Text()),
                ("verification", Text($"^$|{Schedule}"))),
            _ => new JsonObject
            {
                ["enabled"] = false, ["schedule"] = "17 1 * * *", ["days"] = 30, ["recipient"] = "", ["verification"] = "41 4 * * 0",
            }),
        new(
            "storageClass",
            "The class of the claims; empty for the cluster's default.",
            Text("^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$"), _ => ""),
        new(
            "otlpEndpoint",
            "Where telemetry goes, with its port; empty: nowhere.",
            Text("^(https?://[^/:\\s]+:[0-9]+)?$"), _ => "http://otel-collector.observability.svc.cluster.local:4317"),
        new("ingresses", "Whether there are ingresses; without them, something of yours in the namespace namespaces.ingress, such as "
            + "routes of a Gateway, leads to api-service and web-service.", Flag(), _ => true),
        new("ingressClass", "The class of the ingresses.", Text("^\\S+$"), _ => "nginx"),
        new("ingressAnnotations", "Further annotations of each ingress.",
            Strings("^(cert-manager\\.io/cluster-issuer|nginx\\.ingress\\.kubernetes\\.io/(affinity.*|backend-protocol|force-ssl-redirect"
            + "|proxy-.*|session-cookie-.*))$"), _ => new JsonObject()),
        new(
            "ingressNetwork",
            "The network of the ingress controller's pods, such as 10.244.0.0/16, whose word the Api takes for the "
            + "caller's address; empty: nobody's.",
            Text("^([0-9a-fA-F.:]+/[0-9]+)?$"), _ => ""),
        new(
            "namespaces",
            "Where the cluster has what reaches in from outside, and the collector: network policies admit nobody else. Of AKS' own: "
            + "app-routing-system (ingress), kube-system (autoscaler).",
            Mapping(Text("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), "ingress", "autoscaler", "monitoring", "telemetry"), _ => new JsonObject
        {
            ["ingress"] = "ingress-nginx",
            ["autoscaler"] = "keda",
            ["monitoring"] = "monitoring",
            ["telemetry"] = "observability",
        }),
        new(
            "dns",
            "Who answers for the cluster's names: pods by their namespace, label and port, or an address on each node. GKE's Cloud DNS: "
            + "address 169.254.169.254/32. OpenShift: openshift-dns, dns.operator.openshift.io/daemonset-dns, default, port 5353.",
            Mapping(
                ("namespace", Text("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")), ("label", Text("^[A-Za-z0-9][A-Za-z0-9./_-]*$")),
                ("app", Text("^[A-Za-z0-9][A-Za-z0-9._-]*$")), ("address", Text("^[0-9a-fA-F.:]+/[0-9]+$")), ("port", Whole(1, 65535))),
            _ => new JsonObject
            {
                ["namespace"] = "kube-system", ["label"] = "k8s-app", ["app"] = "kube-dns", ["address"] = "169.254.20.10/32", ["port"] = 53,
            }),
        new(
            "podUsers",
            "image: pods run as the users of their images; cluster: as those that the cluster gives the namespace, as OpenShift does.",
            OneOf("image", "cluster"), _ => "image"),
        new("clusterIssuer",
            "The ClusterIssuer of cert-manager that certifies the hosts; empty: you make the Secrets api-edge-tls, api-grpc-edge-tls and "
            + "web-edge-tls.",
            Text("^\\S*$"), _ => "letsencrypt"),
        new("settings",
            "Settings of the services (docs/configuration.md) as variables, over those that the chart gives them, such as Artifacts__Store: "
            + "s3; values are texts.",
            Mapping(Strings(null, "^[A-Za-z_][A-Za-z0-9_.]*$"), s_services), _ => Each(s_services, () => new JsonObject())),
        new("settingsSecrets",
            "For each service a Secret, which you make, with what is secret among them as entries, such as Artifacts__SecretKey.",
            Mapping(Text(Name), s_services), _ => Each(s_services, () => "")),
        new("pods", "What a cluster asks of pods: labels and annotations, nodes and priority, and annotations of their service accounts.",
            Mapping(
                Mapping(
                    ("labels", Strings("^app\\.kubernetes\\.io/(name|instance|component)$|^sidecar\\.istio\\.io/inject$")),
                    ("annotations", Strings("^(checksum/|cluster-autoscaler\\.kubernetes\\.io/safe-to-evict$|(config\\.)?linkerd\\.io/"
                    + "|proxy\\.istio\\.io/config$)")),
                    ("nodeSelector", Strings("^nvidia\\.com/gpu\\.present$")),
                    ("tolerations", new() { ["type"] = "array", ["items"] = new JsonObject { ["type"] = "object" } }),
                    ("affinity", new() { ["type"] = "object" }),
                    ("priorityClass", Text(Name)),
                    ("serviceAccountAnnotations", Strings())),
                s_pods),
            _ => Each(s_pods, () => new JsonObject
            {
                ["labels"] = new JsonObject(),
                ["annotations"] = new JsonObject(),
                ["nodeSelector"] = new JsonObject(),
                ["tolerations"] = new JsonArray(),
                ["affinity"] = new JsonObject(),
                ["priorityClass"] = "",
                ["serviceAccountAnnotations"] = new JsonObject(),
            })),
        new("sizes", "What each pod is promised (cpu, memory) and may take at most (cpuLimit, memory): cpu in m, memory in Mi.", Sizes(),
            on => new JsonObject
        {
            ["api"] = Size(on.Api),
            ["worker"] = Size(on.Worker),
            ["web"] = Size(on.Web),
            ["postgres"] = Size(on.Postgres),
            ["redis"] = Size(on.Redis),
        }, Varies: true),
        new("autoscaling", "Whether replicas of api and worker follow the load, which needs KEDA and metrics-server; else there are min.",
            Flag(), _ => true),
        new("replicas",
            "Bounds of the autoscalers (waiting: requests that may wait for each worker), and fixed numbers; database is for cloudnativepg.", Replicas(), on => new JsonObject
        {
            ["api"] = new JsonObject { ["min"] = on.ApiReplicas.Min, ["max"] = on.ApiReplicas.Max },
            ["worker"] =
                new JsonObject { ["min"] = on.WorkerReplicas.Min, ["max"] = on.WorkerReplicas.Max, ["waiting"] = on.WaitingPerWorker },
            ["web"] = on.WebReplicas,
            ["database"] = on.DatabaseInstances,
        }, Varies: true),
        new("disks", "Claims of the servers and of backups, and a worker's disk for the files of models; in Gi.",
            Mapping(Text("^[1-9][0-9]*Gi$"), "postgres", "redis", "backups", "models"), on => new JsonObject
        {
            ["postgres"] = Gibibytes(on.PostgresGibibytes),
            ["redis"] = Gibibytes(on.RedisGibibytes),
            ["backups"] = Gibibytes(on.BackupGibibytes),
            ["models"] = Gibibytes(on.ModelGibibytes),
        }, Varies: true),
    ];

    /// <summary>Every value, as production has it.</summary>
    public string Defaults() =>
        Written("Values of production; values.ENVIRONMENT.yaml has what differs elsewhere.", All, DeployEnvironments.Production);

    public string Of(DeployEnvironment environment) =>
        Written($"Values of {environment.Name}, beside those of values.yaml.", [.. All.Where(value => value.Varies)], environment);

    public string Schema()
    {
        var schema = new JsonObject { ["$schema"] = "http://json-schema.org/draft-07/schema#" };
        foreach (var (key, value) in Mapping([.. All.Select(value => (value.Name, value.Schema))]))
        {
            schema[key] = value?.DeepClone();
        }

        return schema.ToJsonString(new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) + "\n";
    }

    private static string Written(string title, IReadOnlyList<ChartValue> values, DeployEnvironment environment) =>
        $"# {title} scripts/chart.sh writes it.\n" + string.Concat(values.Select(value =>
            $"\n# {value.Comment}\n" + string.Concat(
                TemplateWriter.Lines(new JsonObject { [value.Name] = Present(value.Of(environment)) }).Select(line => line + "\n"))));

    // A project made without the dashboard has no values for it.
    private static JsonNode Present(JsonNode value)
    {
        if (!Dashboard.Included && value is JsonObject entries)
        {
            entries.Remove(Resources.Web);
        }

        return value;
    }

    private static JsonObject Size(PodSize size) => new()
    {
        ["cpu"] = Unit(size.Millicores, "m"),
        ["cpuLimit"] = Unit(size.LimitMillicores, "m"),
        ["memory"] = Unit(size.Mebibytes, "Mi"),
    };

    private static string Gibibytes(int number) => Unit(number, "Gi");

    private static string Unit(int number, string unit) => number.ToString(CultureInfo.InvariantCulture) + unit;

    private const string Schedule = "^\\S+( \\S+){4}$";

    // Of an object; it may be missing.
    private const string Name = "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$";

    // Npgsql and StackExchange.Redis read no addresses, and the latter knows no way to write a comma in a password.
    private static JsonObject OfSecret(string name) => name switch
    {
        "inferenceConnection" => new() { ["type"] = "string", ["not"] = new JsonObject { ["pattern"] = "^postgres(ql)?://" } },
        "redisConnection" => new() { ["type"] = "string", ["not"] = new JsonObject { ["pattern"] = "^rediss?://" } },
        "redisPassword" => Text("^([^,\\s]([^,]*[^,\\s])?)?$"),
        _ => Text(),
    };

    private static JsonObject Each(string[] names, Func<JsonNode> value) =>
        new(names.Select(name => KeyValuePair.Create(name, (JsonNode?)value())));

    private static JsonObject Host => Text("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$");

    private static string[] HostNames =>
    [
        Resources.Api,
        Resources.Web,
    ];

    private static string[] ImageNames => [.. s_sized, ServicePods.CudaImage, "cloudnativepg"];

    private static JsonObject Sizes() => Mapping([.. s_sized.Select(name => (name, Mapping(
        ("cpu", Text("^[1-9][0-9]*m$")), ("cpuLimit", Text("^[1-9][0-9]*m$")), ("memory", Text("^[1-9][0-9]*Mi$")))))]);

    private static JsonObject Replicas() => Mapping(
        (Resources.Api, Mapping(("min", Whole(1)), ("max", Whole(1)))),
        (Resources.Worker, Mapping(("min", Whole(0)), ("max", Whole(1)), ("waiting", Whole(1)))),
        (Resources.Web, Whole(1)),
        ("database", Whole(1)));
}

/// <summary>The words of JSON Schema that values need.</summary>
internal static class ValueSchema
{
    public static JsonObject Text(string? pattern = null) =>
        pattern is null ? new() { ["type"] = "string" } : new() { ["type"] = "string", ["pattern"] = pattern };

    /// <summary>Any entries of texts, but those that the chart has itself.</summary>
    public static JsonObject Strings(string? but = null, string? names = null)
    {
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = new JsonObject { ["type"] = "string" } };
        if (but is not null)
        {
            schema["propertyNames"] = new JsonObject { ["not"] = new JsonObject { ["pattern"] = but } };
        }
        else if (names is not null)
        {
            schema["propertyNames"] = new JsonObject { ["pattern"] = names };
        }

        return schema;
    }

    public static JsonObject Flag() => new() { ["type"] = "boolean" };

    public static JsonObject OneOf(params string[] values) =>
        new() { ["enum"] = new JsonArray([.. values.Select(value => (JsonNode)value)]) };

    public static JsonObject Whole(int least, int? most = null)
    {
        var schema = new JsonObject { ["type"] = "integer", ["minimum"] = least };
        if (most is not null)
        {
            schema["maximum"] = most;
        }

        return schema;
    }

    /// <summary>Entries that are all alike.</summary>
    public static JsonObject Mapping(JsonObject each, params string[] names) =>
        Mapping([.. names.Select(name => (name, each.DeepClone().AsObject()))]);

    /// <summary>These entries and no others.</summary>
    public static JsonObject Mapping(params (string Name, JsonObject Schema)[] entries)
    {
        var present = entries.Where(entry => Dashboard.Included || entry.Name != Resources.Web).ToList();
        return new()
        {
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["required"] = new JsonArray([.. present.Select(entry => (JsonNode)entry.Name)]),
            ["properties"] = new JsonObject(present.Select(entry => KeyValuePair.Create(entry.Name, (JsonNode?)entry.Schema))),
        };
    }
}
