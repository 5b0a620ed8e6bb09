using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using InferenceTemplate.AppHost.Kubernetes.Environments;
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

    private IReadOnlyList<ChartValue> All =>
    [
        new("environment", "Name of the environment, for telemetry.", Text("^[a-z][a-z0-9-]*$"), on => on.Name, Varies: true),
        new("hosts", "Names under which clients and browsers find the product.", Mapping(Host, HostNames), on => new JsonObject
        {
            ["api"] = on.Hosts.Api,
            ["web"] = on.Hosts.Web,
        }, Varies: true),
        new("images", "Images; deploy/scripts/images.sh builds those of the services and writes their digests as values.",
            Mapping(Text("^\\S+$"), ImageNames), _ => new JsonObject
        {
            ["api"] = "api:latest",
            ["worker"] = "worker:latest",
            ["web"] = "web:latest",
            ["postgres"] = Topology.Image(topology.Resource(Resources.Postgres)),
            ["redis"] = Topology.Image(topology.Resource(Resources.Redis)),
            ["cloudnativepg"] = "ghcr.io/cloudnative-pg/postgresql:18",
        }),
        new(
            "secretSource",
            "chart: Secrets are made of the values below; existing: all read the Secret inference-secrets, which you make; "
            + "external: the External Secrets operator makes it.",
            OneOf("chart", "existing", "external"), _ => "chart"),
        new("secrets", "With secretSource chart, what the switches need of these must be given (deploy/scripts/secret-values.sh).",
            Mapping(Text(), [.. secrets.Select(SecretMark.Value)]), _ =>
            new JsonObject(secrets.Select(secret => KeyValuePair.Create(SecretMark.Value(secret), (JsonNode?)"")))),
        new("secretStore", "The ClusterSecretStore of the External Secrets operator.", Text("^\\S+$"), _ => "vault"),
        new(
            "database",
            "incluster: one Postgres pod; managed: somebody else's, reached by secrets.inferenceConnection; cloudnativepg: "
            + "the operator's.",
            OneOf("incluster", "managed", "cloudnativepg"), _ => "incluster"),
        new(
            "redis",
            "incluster: one Redis pod; managed: somebody else's, reached by secrets.redisConnection.",
            OneOf("incluster", "managed"), _ => "incluster"),
        new(
            "managedPorts",
            "Ports of managed servers, which the network policies admit. Azure Managed Redis listens at 10000.",
            Mapping(Whole(1, 65535), "postgres", "redis"), _ => new JsonObject { ["postgres"] = 5432, ["redis"] = 10000 }),
        new(
            "tls",
            "TLS to the chart's servers, with certificates of cert-manager. Managed servers and the operator's always have it.",
            Flag(), _ => false),
        new("mesh", "Who encrypts the hops between pods: none, linkerd or istio.", OneOf("none", "linkerd", "istio"), _ => "none"),
        new("gpu", "Nodes for workers: none have a GPU, ondemand, or spot.", OneOf("none", "ondemand", "spot"), on => on.Gpu, Varies: true),
        new("recommendations", "Objects of the vertical autoscaler that recommend sizes and change nothing.", Flag(), _ => false),
        new("monitoring", "Alerts and scraping as objects of Prometheus' operator, which the cluster must have.", Flag(), _ => false),
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
            "Where telemetry goes, with its port.",
            Text("^https?://[^/:\\s]+:[0-9]+$"), _ => "http://otel-collector.observability.svc.cluster.local:4317"),
        new("ingressClass", "The class of the ingresses.", Text("^\\S+$"), _ => "nginx"),
        new(
            "ingressNetwork",
            "The network of the ingress controller's pods, such as 10.244.0.0/16, whose word the Api takes for the "
            + "caller's address; empty: nobody's.",
            Text("^([0-9a-fA-F.:]+/[0-9]+)?$"), _ => ""),
        new("clusterIssuer", "The ClusterIssuer of cert-manager that certifies the hosts.", Text("^\\S+$"), _ => "letsencrypt"),
        new("sizes", "What each pod is promised (cpu, memory) and may take at most (cpuLimit, memory): cpu in m, memory in Mi.", Sizes(),
            on => new JsonObject
        {
            ["api"] = Size(on.Api),
            ["worker"] = Size(on.Worker),
            ["web"] = Size(on.Web),
            ["postgres"] = Size(on.Postgres),
            ["redis"] = Size(on.Redis),
        }, Varies: true),
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

    private static JsonObject Host => Text("^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$");

    private static string[] HostNames =>
    [
        Resources.Api,
        Resources.Web,
    ];

    private static string[] ImageNames => [.. s_sized, "cloudnativepg"];

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
