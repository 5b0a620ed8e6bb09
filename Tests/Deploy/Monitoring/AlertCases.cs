namespace InferenceTemplate.Tests.Deploy.Monitoring;

/// <summary>Series by which an alert fires, and others by which it does not, a sample a minute.</summary>
/// <param name="Labels">Of the alert, beside its name and severity.</param>
/// <param name="Minutes">For how long it must hold.</param>
/// <param name="Begins">When it begins to hold: in the first minute for a number, in the second for a rate.</param>
public sealed record AlertCase(string Name, string Severity, string Labels, int Minutes, int Begins, string[] Fires, string[] Quiet)
{
    public override string ToString() => $"{Name} {Severity} {Labels}";
}

/// <summary>
/// What each alert must do, written down once more: the thresholds are those of the production checklist, a bit above and a bit
/// below.
/// </summary>
internal static class AlertCases
{
    private const string Here = "namespace=\"inference-template\"";

    public static IReadOnlyList<AlertCase> All { get; } =
    [
        // Service down.
        Gauge("ServiceDown", "P1", """job="api",{0}""", 1, [Up("api", "a", 0), Up("worker", "w", 1)],
            [Up("api", "a", 0), Up("api", "b", 1)]),
        Gauge("ServiceDown", "P1", """job="api",{0}""", 1, [Up("worker", "w", 1)], [Up("api", "a", 1)]),
        Gauge("ServiceDown", "P1", """job="worker",{0}""", 1, [Up("api", "a", 1), Depth(1)], [Up("api", "a", 1), Depth(0)]),
        Gauge("ReplicaDown", "P2", """job="api",{0},pod="a" """, 5, [Up("api", "a", 0), Up("api", "b", 1)], [Up("api", "a", 1)]),

        // Error rate > 5 % for 5 min.
        Rate("HighErrorRate", "P1", """job="api",{0}""", 5, Statuses("http_server_request_duration_seconds", "job=\"api\"", 51),
            Statuses("http_server_request_duration_seconds", "job=\"api\"", 49)),
        Rate("ModelErrorRate", "P2", """model="m",{0}""", 5, Statuses("inference_request_duration_seconds", "model=\"m\"", 51),
            Statuses("inference_request_duration_seconds", "model=\"m\"", 49)),

        // p95 > 500 ms: fewer than 95 % are answered in 0.5 s.
        Rate("HighLatency", "P2", """model="m",{0}""", 5, Latencies(949), Latencies(951)),

        // Queue depth > 1000. Both replicas of the Api tell the same number.
        Gauge("QueueDeep", "P2", "{0}", 2, [Depth(501, "a"), Depth(501, "b"), Depth(501, "a", "n")], [Depth(1000, "a"), Depth(1000, "b")]),
        Gauge("QueueNearlyFull", "P2", """model="m",{0},version="1" """, 2, [Depth(901)], [Depth(900)]),
        Gauge("ModelCannotBeLoaded", "P2", """model="m",{0},version="1" """, 5, [Of("inference_model_breaker_open", Version, 1)],
            [Of("inference_model_breaker_open", Version, 0)]),
        Gauge("DeadLetters", "P3", """model="m",{0},version="1" """, 10, [Of("inference_dlq_messages", Version, 1)],
            [Of("inference_dlq_messages", Version, 0)]),
        Gauge("ModelDrifted", "P3", """model="m",{0},version="1" """, 10, [Of("inference_drift_tensors", Version, 1)],
            [Of("inference_drift_tensors", Version, 0)]),
        Rate("RecordsLost", "P2", "{0}", 5, [Grows("inference_predictions_shed_total", "", 1)],
            [Of("inference_predictions_shed_total", "", 7)]),

        // GPU failure: XID 79 is a card that fell off the bus, 31 a fault of a program.
        new("GpuFailure", "P1", """Hostname="n",gpu="0" """.Trim(), 1, 0, ["DCGM_FI_DEV_XID_ERRORS{Hostname=\"n\",gpu=\"0\"} 79x120"],
            ["DCGM_FI_DEV_XID_ERRORS{Hostname=\"n\",gpu=\"0\"} 31x120"]),
        Rate("GpuFailure", "P1", """error_type="uncorrected",hw_id="0",{0}""", 1,
            [Grows("hw_errors_total", "hw_id=\"0\",error_type=\"uncorrected\"", 1)],
            [Grows("hw_errors_total", "hw_id=\"0\",error_type=\"corrected\"", 1)]),
        Gauge("GpuFailure", "P1", """device="cpu",{0}""", 1, [Of("inference_device_fallback", "device=\"cpu\"", 1)],
            [Of("inference_device_fallback", "device=\"cpu\"", 0)]),

        // GPU utilization low while work waits.
        Gauge("GpuIdleWhileWorkWaits", "P2", "{0}", 10, [Gpu("0.19"), Depth(101)], [Gpu("0.19"), Depth(100)]),
        Gauge("GpuIdleWhileWorkWaits", "P2", "{0}", 10, [Gpu("0.19"), Depth(101)], [Gpu("0.21"), Depth(101)]),

        // Cache hit rate < 60 %.
        Rate("CacheHitRateLow", "P3", """model="m",{0}""", 30, Lookups("inference_cache", 590), Lookups("inference_cache", 610)),
        Rate("ModelCacheHitRateLow", "P3", "{0}", 30, Lookups("inference_model_cache", 590), Lookups("inference_model_cache", 610)),

        // Budget at 80 %: the Api counts a tenant that came there.
        new("BudgetNearlySpent", "P3", $"{Here},tenant=\"t\"", 1, 4,
            [$"inference_tenant_budget_alerts_total{{{Here},tenant=\"t\",level=\"alert\"}} _x4 1x120"],
            [$"inference_tenant_budget_alerts_total{{{Here},tenant=\"t\",level=\"stop\"}} _x4 1x120"]),

        // Node not ready, disk < 10 %, volume claim > 90 %, memory > 90 %, throttling.
        new("NodeNotReady", "P2", "condition=\"Ready\",node=\"n\",status=\"true\"", 5, 0,
            ["kube_node_status_condition{condition=\"Ready\",node=\"n\",status=\"true\"} 0x120"],
            ["kube_node_status_condition{condition=\"Ready\",node=\"n\",status=\"true\"} 1x120"]),
        new("DiskAlmostFull", "P2", "fstype=\"ext4\",instance=\"n\",mountpoint=\"/\"", 5, 0, Disk("9.9"), Disk("10.1")),
        Gauge("VolumeAlmostFull", "P2", """{0},persistentvolumeclaim="p" """, 5, Volume("90.1"), Volume("89.9")),
        Gauge("MemoryHigh", "P2", """container="api",{0},pod="a" """, 5, Memory("90.1"), Memory("89.9")),
        Rate("CpuThrottled", "P3", """container="api",{0},pod="a" """, 15, Throttled(26), Throttled(24)),

        // Database unreachable, processor > 80 % (seen when the window is full), replication lag.
        Gauge("DatabaseUnreachable", "P1", "{0}", 1, [Of("pg_up", "", 0)], [Of("pg_up", "", 1)]),
        Gauge("DatabaseUnreachable", "P1", "{0}", 1, [Of("cnpg_collector_up", "pod=\"postgres-1\"", 0)],
            [Of("cnpg_collector_up", "pod=\"postgres-1\"", 0), Of("cnpg_collector_up", "pod=\"postgres-2\"", 1)]),
        Rate("DatabaseCpuHigh", "P2", """{0},pod="postgres-1" """, 10, Processor("96.6"), Processor("95.4")) with { Begins = 5 },
        Gauge("ReplicationLag", "P2", """{0},pod="p" """, 5, [Of("pg_replication_lag_seconds", "pod=\"p\"", 31)],
            [Of("pg_replication_lag_seconds", "pod=\"p\"", 30)]),
        Gauge("RedisUnreachable", "P1", "{0}", 1, [Of("redis_up", "", 0)], [Of("redis_up", "", 1)]),
        Gauge("MetricsMissing", "P3", """metric="redis_up",{0}""", 15, [Of("pg_up", "", 1)], [Of("redis_up", "", 1)]),
        .. Burns("availability", ("P1", "1h", 145, 143, 2), ("P2", "6h", 61, 59, 5), ("P3", "1d", 31, 29, 15), ("P3", "3d", 11, 9, 60)),
        .. Burns("latency", ("P1", "1h", 7210, 7190, 2), ("P2", "6h", 3010, 2990, 5), ("P3", "1d", 1510, 1490, 15),
            ("P3", "3d", 510, 490, 60)),
    ];

    private const string Version = "model=\"m\",version=\"1\"";

    private static AlertCase Gauge(string name, string severity, string labels, int minutes, string[] fires, string[] quiet) =>
        new(name, severity, Labels(labels), minutes, 0, fires, quiet);

    private static AlertCase Rate(string name, string severity, string labels, int minutes, string[] fires, string[] quiet) =>
        new(name, severity, Labels(labels), minutes, 1, fires, quiet);

    // 99.9 % of the requests succeed and 95 % come within 0.5 s; of 10,000 requests so many are bad, which is a bit more and a bit less
    // than 14.4, 6, 3 and 1 times what the objective allows. Long windows are recorded each five minutes.
    private static IEnumerable<AlertCase> Burns(string slo,
        params (string Severity, string Window, int Fires, int Quiet, int Minutes)[] burns) =>
        burns.Select(burn => new AlertCase(
            "ErrorBudgetBurn", burn.Severity, $"{Here},slo=\"{slo}\",window=\"{burn.Window}\"", burn.Minutes,
            burn.Window.EndsWith('d') ? 5 : 1,
            Bad(slo, burn.Fires), Bad(slo, burn.Quiet)));

    private static string[] Bad(string slo, int bad) => slo == "availability"
        ? [Grows("inference_request_duration_seconds_count", "http_response_status_code=\"200\"", 10_000 - bad),
            Grows("inference_request_duration_seconds_count", "http_response_status_code=\"503\"", bad)]
        : [Grows("inference_request_duration_seconds_count", "http_response_status_code=\"200\"", 10_000),
            Grows("inference_request_duration_seconds_bucket", "le=\"0.5\"", 10_000 - bad)];

    private static string Labels(string text) => text.Replace("{0}", Here, StringComparison.Ordinal).Trim();

    private static string Of(string metric, string labels, int value) => $"{metric}{{{Here}{Further(labels)}}} {value}x120";

    private static string Grows(string metric, string labels, int perMinute) => $"{metric}{{{Here}{Further(labels)}}} 0+{perMinute}x120";

    private static string Further(string labels) => labels.Length == 0 ? "" : $",{labels}";

    private static string Up(string job, string pod, int value) => Of("up", $"job=\"{job}\",pod=\"{pod}\"", value);

    private static string Depth(int value, string pod = "a", string model = "m") =>
        Of("inference_queue_depth", $"model=\"{model}\",version=\"1\",priority=\"normal\",pod=\"{pod}\"", value);

    private static string Gpu(string share) => $"hw_gpu_utilization{{{Here},hw_id=\"0\"}} {share}x120";

    // Of a thousand.
    private static string[] Statuses(string metric, string labels, int failed) =>
    [
        Grows($"{metric}_count", $"{labels},http_response_status_code=\"200\"", 1000 - failed - 100),
        Grows($"{metric}_count", $"{labels},http_response_status_code=\"429\"", 100),
        Grows($"{metric}_count", $"{labels},http_response_status_code=\"503\"", failed),
    ];

    private static string[] Latencies(int within) =>
    [
        Grows("inference_request_duration_seconds_bucket", "model=\"m\",le=\"0.5\"", within),
        Grows("inference_request_duration_seconds_bucket", "model=\"m\",le=\"0.75\"", 1000),
        Grows("inference_request_duration_seconds_bucket", "model=\"m\",le=\"+Inf\"", 1000),
    ];

    private static string[] Lookups(string cache, int hits) =>
        [Grows($"{cache}_hits_total", "model=\"m\"", hits), Grows($"{cache}_misses_total", "model=\"m\"", 1000 - hits)];

    private static string[] Disk(string free) =>
    [
        $"node_filesystem_avail_bytes{{fstype=\"ext4\",instance=\"n\",mountpoint=\"/\"}} {free}x120",
        "node_filesystem_size_bytes{fstype=\"ext4\",instance=\"n\",mountpoint=\"/\"} 100x120",
    ];

    private static string[] Volume(string used) =>
    [
        $"kubelet_volume_stats_used_bytes{{{Here},persistentvolumeclaim=\"p\"}} {used}x120",
        $"kubelet_volume_stats_capacity_bytes{{{Here},persistentvolumeclaim=\"p\"}} 100x120",
    ];

    private static string[] Memory(string used) =>
    [
        $"container_memory_working_set_bytes{{{Here},pod=\"a\",container=\"api\"}} {used}x120",
        $"kube_pod_container_resource_limits{{{Here},pod=\"a\",container=\"api\",resource=\"memory\"}} 100x120",
    ];

    private static string[] Throttled(int of100) =>
    [
        Grows("container_cpu_cfs_throttled_periods_total", "pod=\"a\",container=\"api\"", of100),
        Grows("container_cpu_cfs_periods_total", "pod=\"a\",container=\"api\"", 100),
    ];

    // Seconds a minute, of two processors.
    private static string[] Processor(string seconds) =>
    [
        $"container_cpu_usage_seconds_total{{{Here},pod=\"postgres-1\",container=\"postgres\"}} 0+{seconds}x120",
        $"kube_pod_container_resource_limits{{{Here},pod=\"postgres-1\",container=\"postgres\",resource=\"cpu\"}} 2x120",
    ];
}
