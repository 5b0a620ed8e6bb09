using InferenceTemplate.AppHost.Kubernetes.Rendering;

namespace InferenceTemplate.AppHost.Monitoring.Servers;

/// <summary>
/// Where telemetry goes: a collector takes it by OTLP and gives logs to Loki, which keeps them 30 days, and traces to Tempo.
/// </summary>
internal static class Logs
{
    private const string LogStore = "http://loki.observability.svc.cluster.local:3100/otlp";
    private const string TraceStore = "http://tempo.observability.svc.cluster.local:4318";

    private const int RetentionDays = 30;

    /// <summary>
    /// Of the OpenTelemetry collector. Metrics are for Prometheus to fetch; those that come by OTLP too are dropped. While a store is
    /// away, five minutes are tried again, and no more is kept than fits into the memory.
    /// </summary>
    public static Map Collector => new()
    {
        ["extensions"] = new Map { ["health_check"] = new Map { ["endpoint"] = "0.0.0.0:13133" } },
        ["receivers"] = new Map
        {
            ["otlp"] = new Map
            {
                ["protocols"] = new Map
                {
                    ["grpc"] = new Map { ["endpoint"] = "0.0.0.0:4317" },
                    ["http"] = new Map { ["endpoint"] = "0.0.0.0:4318" },
                },
            },
        },
        ["processors"] = new Map
        {
            ["memory_limiter"] = new Map { ["check_interval"] = "1s", ["limit_percentage"] = 75, ["spike_limit_percentage"] = 20 },
            // Whatever a later version of a library may add: nothing of what opens doors leaves the cluster.
            ["attributes/secrets"] = new Map
            {
                ["actions"] = new[]
                {
                    Delete("http.request.header.authorization"),
                    Delete("http.request.header.x-api-key"),
                    Delete("http.request.header.cookie"),
                    Delete("db.query.text"),
                    Delete("db.statement"),
                },
            },
            ["batch"] = new Map { ["timeout"] = "2s", ["send_batch_size"] = 2048, ["send_batch_max_size"] = 4096 },
        },
        ["exporters"] = new Map
        {
            ["otlphttp/logs"] = Store("LOGS_ENDPOINT", LogStore),
            ["otlphttp/traces"] = Store("TRACES_ENDPOINT", TraceStore),
            ["nop"] = new Map(),
        },
        ["service"] = new Map
        {
            ["extensions"] = new[] { "health_check" },
            ["pipelines"] = new Map
            {
                ["logs"] = Pipeline("otlphttp/logs"),
                ["traces"] = Pipeline("otlphttp/traces"),
                ["metrics"] = new Map
                {
                    ["receivers"] = new[] { "otlp" },
                    ["processors"] = new[] { "memory_limiter" },
                    ["exporters"] = new[] { "nop" },
                },
            },
        },
    };

    /// <summary>Of Loki 3 as one process. It deletes nothing unless its compactor is told to.</summary>
    public static Map Loki => new()
    {
        ["auth_enabled"] = false,
        ["server"] = new Map { ["http_listen_port"] = 3100 },
        ["common"] = new Map
        {
            ["path_prefix"] = "/loki",
            ["replication_factor"] = 1,
            ["ring"] = new Map { ["kvstore"] = new Map { ["store"] = "inmemory" } },
            ["storage"] = new Map
            {
                ["filesystem"] = new Map { ["chunks_directory"] = "/loki/chunks", ["rules_directory"] = "/loki/rules" },
            },
        },
        ["schema_config"] = new Map
        {
            ["configs"] = new[]
            {
                new Map
                {
                    ["from"] = "2025-01-01",
                    ["store"] = "tsdb",
                    ["object_store"] = "filesystem",
                    ["schema"] = "v13",
                    ["index"] = new Map { ["prefix"] = "index_", ["period"] = "24h" },
                },
            },
        },
        ["limits_config"] = new Map
        {
            ["retention_period"] = FormattableString.Invariant($"{24 * RetentionDays}h"),
            ["allow_structured_metadata"] = true,
        },
        ["compactor"] = new Map
        {
            ["working_directory"] = "/loki/compactor",
            ["retention_enabled"] = true,
            ["delete_request_store"] = "filesystem",
        },
    };

    private static Map Delete(string key) => new() { ["key"] = key, ["action"] = "delete" };

    private static Map Store(string variable, string address) => new()
    {
        ["endpoint"] = $"${{env:{variable}:-{address}}}",
        ["retry_on_failure"] = new Map { ["enabled"] = true, ["max_elapsed_time"] = "300s" },
        ["sending_queue"] = new Map { ["enabled"] = true, ["queue_size"] = 1000 },
    };

    private static Map Pipeline(string exporter) => new()
    {
        ["receivers"] = new[] { "otlp" },
        ["processors"] = new[] { "memory_limiter", "attributes/secrets", "batch" },
        ["exporters"] = new[] { exporter },
    };
}
