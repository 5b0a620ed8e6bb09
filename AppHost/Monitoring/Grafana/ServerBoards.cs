using InferenceTemplate.AppHost.Monitoring.Alerts;
using InferenceTemplate.Core.Objectives;
using static System.FormattableString;
using static InferenceTemplate.AppHost.Monitoring.Grafana.Unit;
using static InferenceTemplate.AppHost.Monitoring.Promql;

namespace InferenceTemplate.AppHost.Monitoring.Grafana;

/// <summary>Dashboards of what the product runs on, and of what it promises.</summary>
internal static class ServerBoards
{
    private const string Gpus = "{{hw_id}} {{hw_name}}";

    public static Board Gpu { get; } = new(
        "gpu", "GPUs",
        new("Utilization", PercentUnit, $$"""max by (hw_id, hw_name) (hw_gpu_utilization{{{Here}}})""", Gpus),
        new(
            "Memory", Bytes,
            new Series($$"""max by (hw_id, hw_name) (hw_gpu_memory_usage_bytes{{{Here}}})""", Gpus),
            new Series($$"""max by (hw_id, hw_name) (hw_gpu_memory_limit_bytes{{{Here}}})""", $"{Gpus} limit")),
        new("Temperature", Celsius, $$"""max by (hw_id, hw_name) (hw_temperature_celsius{{{Here}}})""", Gpus),
        new("Power", Watt, $$"""max by (hw_id, hw_name) (hw_power_watts{{{Here}}})""", Gpus),
        new(
            "Faults", Short,
            new Series($$"""max by (hw_id, error_type) (hw_errors_total{{{Here}}})""", "{{hw_id}} {{error_type}} memory errors"),
            new Series("max by (Hostname, gpu) (DCGM_FI_DEV_XID_ERRORS)", "{{Hostname}} {{gpu}} last XID")),
        new("Workers with a GPU that compute without it", Short, $$"""sum by (device) (inference_device_fallback{{{Here}}})""",
            "{{device}}"));

    public static Board Servers { get; } = new(
        "servers", "Postgres and Redis",
        new(
            "Postgres and Redis up", Short,
            new Series($$"""max by (pod) (pg_up{{{Here}}} or cnpg_collector_up{{{Here}}})""", "Postgres {{pod}}"),
            new Series($$"""max by (pod) (redis_up{{{Here}}})""", "Redis {{pod}}")),
        new(
            "Processor of Postgres", PercentUnit,
            $$"""
            sum by (pod) (rate(container_cpu_usage_seconds_total{{{Here}},container="postgres"}[5m]))
              / sum by (pod) (kube_pod_container_resource_limits{{{Here}},container="postgres",resource="cpu"})
            """,
            "{{pod}}"),
        new("Connections", Short, $$"""sum by (datname, state) (pg_stat_activity_count{{{Here}}} > 0)""", "{{datname}} {{state}}"),
        new("Replication lag", S, $$"""max by (pod) (pg_replication_lag_seconds{{{Here}}} or cnpg_pg_replication_lag{{{Here}}})""",
            "{{pod}}"),
        new("Size of databases", Bytes, $$"""max by (datname) (pg_database_size_bytes{{{Here}}})""", "{{datname}}"),
        new("Transactions", Reqps, Rate("pg_stat_database_xact_commit", "datname"), "{{datname}}"),
        new(
            "Records lost", Short,
            new Series($$"""sum(inference_predictions_shed_total{{{Here}}})""", "predictions"),
            new Series($$"""sum(inference_shadow_comparisons_shed_total{{{Here}}})""", "comparisons")),
        new("Memory of Redis", Bytes, $$"""max by (pod) (redis_memory_used_bytes{{{Here}}})""", "{{pod}}"),
        new("Commands of Redis", Reqps, Rate("redis_commands_processed_total", "pod"), "{{pod}}"),
        new("Clients of Redis", Short, $$"""max by (pod) (redis_connected_clients{{{Here}}})""", "{{pod}}"));

    public static Board Cluster { get; } = new(
        "cluster", "nodes and pods",
        new("Nodes ready", Short, """max by (node) (kube_node_status_condition{condition="Ready",status="true"})""", "{{node}}"),
        new(
            "Disks free", PercentUnit,
            "min by (instance, mountpoint) (node_filesystem_avail_bytes / node_filesystem_size_bytes)", "{{instance}} {{mountpoint}}"),
        new(
            "Volumes used", PercentUnit,
            $$"""
            max by (persistentvolumeclaim) (kubelet_volume_stats_used_bytes{{{Here}}})
              / max by (persistentvolumeclaim) (kubelet_volume_stats_capacity_bytes{{{Here}}})
            """,
            "{{persistentvolumeclaim}}"),
        new(
            "Memory of limits", PercentUnit,
            $$"""
            max by (pod, container) (container_memory_working_set_bytes{{{Here}},container!=""})
              / max by (pod, container) (kube_pod_container_resource_limits{{{Here}},resource="memory"})
            """,
            "{{pod}} {{container}}"),
        new(
            "Throttled", PercentUnit,
            $$"""
            sum by (pod, container) (rate(container_cpu_cfs_throttled_periods_total{{{Here}}}[5m]))
              / sum by (pod, container) (rate(container_cpu_cfs_periods_total{{{Here}}}[5m]))
            """,
            "{{pod}} {{container}}"),
        new("Restarts", Short, $$"""sum by (pod) (increase(kube_pod_container_status_restarts_total{{{Here}}}[1h]))""", "{{pod}}"),
        new("Exporters", Short, "sum by (job) (up)", "{{job}}"));

    public static Board Slo { get; } = new(
        "slo", "objectives",
        new(
            "Budget left of 30 days", PercentUnit,
            [.. Objectives.All(Thresholds.Default).Select(objective => new Series(
                Invariant($"1 - {Bad("30d", objective)} / {objective.Budget}"), objective.Name))]),
        new(
            "Burn rate", Short,
            [.. from objective in Objectives.All(Thresholds.Default)
                from window in new[] { "1h", "6h" }
                select new Series(Invariant($"{Bad(window, objective)} / {objective.Budget}"), $"{objective.Name} {window}")]),
        new("Bad requests", PercentUnit, $$"""{{Objectives.Recorded("5m")}}{{{Here}}}""", "{{slo}}"),
        new("Inferences", Reqps, Rate("inference_request_duration_seconds_count", "namespace"), "all"));

    public static IReadOnlyList<Board> All =>
    [
        ServingBoards.Overview, ServingBoards.Serving, ServingBoards.Model, ServingBoards.Queue, ServingBoards.Tenants,
        Gpu, Servers, Cluster, Slo,
    ];

    private static string Bad(string window, Objective objective) =>
        $$"""{{Objectives.Recorded(window)}}{{{Here}},slo="{{objective.Name}}"}""";
}
