using static InferenceTemplate.AppHost.Kubernetes.Switches;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>The variables of the containers: those of the topology, and those that only a cluster gives.</summary>
internal sealed class ChartEnvironment(Topology topology)
{
    private const string DataProtection = "data-protection-secret";
    private const string DatabaseConnection = $"{Resources.Database}-connection";
    private const string RedisConnection = $"{Resources.Redis}-connection";

    /// <summary>Whose word services take for the address and scheme of the real caller: those of the ingress only.</summary>
    private static Variable Proxies =>
        new("ForwardedHeaders__KnownNetworks__0", "{{ .Values.ingressNetwork }}", When: ".Values.ingressNetwork");

    /// <summary>All secrets, with the condition on which a chart needs each.</summary>
    public IEnumerable<(string Name, string? When)> Secrets() =>
    [
        .. topology.SecretNames.Select(name => (name, name switch
        {
            Resources.PostgresPassword => OwnPostgres,
            Resources.RedisPassword => RedisPod,
            _ => null,
        })),
        (Scaling.Token, null),
        .. Dashboard.Included ? ((string, string?)[])[(DataProtection, null)] : [],
        (DatabaseConnection, ManagedPostgres),
        (RedisConnection, ManagedRedis),
    ];

    public async Task<ComponentEnvironment> OfApiAsync() => await OfServiceAsync(
        Resources.Api,
        new(Scaling.TokenVariable, $"$({Scaling.Token})"),
        Proxies,
        new("SSL_CERT_DIR", "/authorities/redis:/etc/ssl/certs", RedisAuthority));

    /// <summary>
    /// Tells a worker how much of its pod it may use: of the disk three quarters for the files of models, the rest for one that is
    /// being inspected; of the memory half for an inspection, which shares it with the models that are open.
    /// </summary>
    public async Task<ComponentEnvironment> OfWorkerAsync() => await OfServiceAsync(
        Resources.Worker,
        new("Worker__CacheBytes", $"{{{{ .Values.disks.models | trimSuffix \"Gi\" | int64 | mul {(1 << 30) / 4 * 3} }}}}"),
        new("Inspection__MemoryBytes", $"{{{{ .Values.sizes.worker.memory | trimSuffix \"Mi\" | int64 | mul {(1 << 20) / 2} }}}}"),
        new("Worker__Device", $"{{{{ ternary \"cuda\" \"cpu\" ({Gpu}) }}}}"),
        new("SSL_CERT_DIR", "/authorities/redis:/etc/ssl/certs", RedisAuthority));

    public async Task<ComponentEnvironment> OfWebAsync() => await OfServiceAsync(
        Resources.Web,
        Proxies,
        new("PublicApiUrl", "https://{{ .Values.hosts.api }}"),
        new("DataProtection__Secret", $"$({DataProtection})"));

    public async Task<IReadOnlyList<Variable>> OfServerAsync(string name) =>
        [.. (await topology.VariablesAsync(name)).Select(each => new Variable(each.Name, each.Text))];

    private async Task<ComponentEnvironment> OfServiceAsync(string name, params Variable[] others) => new(name,
    [
        .. (await topology.VariablesAsync(name)).SelectMany(each => Switched(each.Name, each.Text)),
        .. others,
        new("OTEL_EXPORTER_OTLP_ENDPOINT", "{{ .Values.otlpEndpoint }}", Switches.Telemetry),
        new("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        new("OTEL_SERVICE_NAME", name),
        new("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name={{ .Values.environment }}"),
    ]);

    private const string Pool = ";Maximum Pool Size={{ .Values.poolSize | toString }}";

    private const string ManagedTls = ";SSL Mode=VerifyFull{{ ternary \"\" \";Root Certificate=/authorities/postgres/ca.crt\""
        + " (eq .Values.managedAuthorities.postgres \"\") }}";

    // What bounds the pool and turns TLS on is appended to a managed server's connection, so that one without it cannot be given.
    private static IEnumerable<Variable> Switched(string name, string text) => name switch
    {
        $"ConnectionStrings__{Resources.Database}" =>
        [
            new(name, $"{text}{Pool}{{{{ ternary \"{Servers.ServerTls.Postgres}\" \"\" .Values.tls }}}}", PostgresPod),
            new(name, Servers.CloudNativePg.Connection(text + Pool), Switches.CloudNativePg),
            new(name, $"$({DatabaseConnection}){Pool}{ManagedTls}", ManagedPostgres),
        ],
        $"ConnectionStrings__{Resources.Redis}" =>
        [
            new(name, $"{text}{{{{ ternary \",ssl=true\" \"\" .Values.tls }}}}", RedisPod),
            new(name, $"$({RedisConnection}),ssl=true", ManagedRedis),
        ],
        _ => [new(name, text)],
    };
}
