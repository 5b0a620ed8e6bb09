using InferenceTemplate.AppHost.Monitoring.Grafana;
using InferenceTemplate.Core.Objectives;
using static System.FormattableString;
using static InferenceTemplate.AppHost.Monitoring.Alerts.Severity;
using static InferenceTemplate.AppHost.Monitoring.Promql;

namespace InferenceTemplate.AppHost.Monitoring.Alerts;

/// <summary>Nodes, containers, and the servers of data: metrics of exporters, which docs/runbooks.md names.</summary>
internal static class ClusterAlerts
{
    private const string Disks = "fstype!~\"tmpfs|ramfs|overlay|squashfs|iso9660\",mountpoint!~\"/run.*|/var/lib/kubelet/pods.*\"";

    public static IReadOnlyList<Alert> All(Thresholds at) =>
    [
        new(
            "NodeNotReady", P2, """kube_node_status_condition{condition="Ready",status="true"} == 0""", 5,
            "Node {{ $labels.node }} is not ready",
            "Its pods are started elsewhere five minutes after it went, if there is room.",
            "node-not-ready", ServerBoards.Cluster["Nodes ready"]),
        new(
            "DiskAlmostFull", P2,
            Invariant($$"""node_filesystem_avail_bytes{{{Disks}}} / node_filesystem_size_bytes{{{Disks}}} < {{at.DiskFree}}"""), 5,
            "{{ $value | humanizePercentage }} of {{ $labels.mountpoint }} on {{ $labels.instance }} are free",
            "A node without disk evicts its pods.",
            "disk-almost-full", ServerBoards.Cluster["Disks free"]),
        new(
            "VolumeAlmostFull", P2,
            Invariant($$"""
            max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_used_bytes{{{Here}}})
              / max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes{{{Here}}}) > {{at.VolumeUsed}}
            """),
            5,
            "{{ $labels.persistentvolumeclaim }} is {{ $value | humanizePercentage }} full",
            "Postgres stops when its volume is full, Redis when it cannot write its log.",
            "disk-almost-full", ServerBoards.Cluster["Volumes used"]),
        new(
            "MemoryHigh", P2,
            Invariant($$"""
            max by (namespace, pod, container) (container_memory_working_set_bytes{{{Here}},container!=""})
              / max by (namespace, pod, container) (kube_pod_container_resource_limits{{{Here}},resource="memory"}) > {{at.Memory}}
            """),
            5,
            "{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its memory",
            "At 100 % the container is killed and starts again.",
            "memory-high", ServerBoards.Cluster["Memory of limits"]),
        new(
            "CpuThrottled", P3,
            Invariant($$"""
            sum by (namespace, pod, container) (rate(container_cpu_cfs_throttled_periods_total{{{Here}}}[5m]))
              / sum by (namespace, pod, container) (rate(container_cpu_cfs_periods_total{{{Here}}}[5m])) > {{at.Throttled}}
            """),
            15,
            "{{ $labels.pod }} waits for its processor {{ $value | humanizePercentage }} of the time",
            "Its limit is too low for the load, and latency shows it.",
            "cpu-throttled", ServerBoards.Cluster["Throttled"]),
        new(
            "DatabaseUnreachable", P1,
            $$"""max by (namespace) (pg_up{{{Here}}} or cnpg_collector_up{{{Here}}}) == 0""", 1,
            "Postgres is unreachable",
            "Its exporter cannot connect. Jobs, keys that are not cached, and administration fail; synchronous calls go on for a while.",
            "database-down", ServerBoards.Servers["Postgres and Redis up"]),
        new(
            "DatabaseCpuHigh", P2,
            Invariant($$"""
            sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{{{Here}},container="postgres"}[5m]))
              / sum by (namespace, pod) (kube_pod_container_resource_limits{{{Here}},container="postgres",resource="cpu"})
              > {{at.DatabaseCpu}}
            """),
            10,
            "{{ $labels.pod }} uses {{ $value | humanizePercentage }} of its processor",
            "Slow queries or too many records. Accepting jobs and reading usage become slow first.",
            "database-slow", ServerBoards.Servers["Processor of Postgres"]),
        new(
            "ReplicationLag", P2,
            Invariant($$"""
            max by (namespace, pod) (pg_replication_lag_seconds{{{Here}}} or cnpg_pg_replication_lag{{{Here}}})
              > {{at.ReplicationLagSeconds}}
            """),
            5,
            "{{ $labels.pod }} is {{ $value | humanizeDuration }} behind its primary",
            "What it lacks would be lost if it had to take over.",
            "database-slow", ServerBoards.Servers["Replication lag"]),
        new(
            "RedisUnreachable", P1, $$"""max by (namespace) (redis_up{{{Here}}}) == 0""", 1,
            "Redis is unreachable",
            "Its exporter cannot connect. Nothing can be queued: calls get 503; jobs that were accepted wait in Postgres.",
            "redis-down", ServerBoards.Servers["Postgres and Redis up"]),
        new(
            "MetricsMissing", P3,
            $$"""
            label_replace(absent(pg_up{{{Here}}} or cnpg_collector_up{{{Here}}}), "metric", "pg_up", "", "")
              or label_replace(absent(redis_up{{{Here}}}), "metric", "redis_up", "", "")
              or label_replace(absent(kube_node_status_condition), "metric", "kube_node_status_condition", "", "")
              or label_replace(absent(node_filesystem_avail_bytes), "metric", "node_filesystem_avail_bytes", "", "")
              or label_replace(absent(container_memory_working_set_bytes{{{Here}}}), "metric", "container_memory_working_set_bytes", "", "")
            """,
            15,
            "Prometheus has no {{ $labels.metric }}",
            "Alerts on it cannot fire. Run its exporter, or silence this where the provider of a managed server watches it.",
            "metrics-missing", ServerBoards.Cluster["Exporters"]),
    ];
}
