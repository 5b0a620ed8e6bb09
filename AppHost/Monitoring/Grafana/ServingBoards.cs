using static InferenceTemplate.AppHost.Monitoring.Grafana.Unit;
using static InferenceTemplate.AppHost.Monitoring.Promql;

namespace InferenceTemplate.AppHost.Monitoring.Grafana;

/// <summary>Dashboards of what the product does.</summary>
internal static class ServingBoards
{
    private const string Http = "http_server_request_duration_seconds";
    private const string Inference = "inference_request_duration_seconds";
    private const string Version = "{{model}} {{version}}";

    public static Board Overview { get; } = new(
        "overview", "overview",
        new("Replicas up", Short, $$"""sum by (job) (up{{{Here}}})""", "{{job}}"),
        new("Alerts", Short, $$"""sum by (alertname, severity) (ALERTS{{{Here}},alertstate="firing"})""", "{{severity}} {{alertname}}"),
        new("Requests", Reqps, Rate($"{Http}_count", "job"), "{{job}}"),
        new("Error rate", PercentUnit, ErrorRate($"{Http}_count", "job", "5m"), "{{job}}"),
        new(
            "Latency of inference", S,
            new Series(Percentile(0.5, Inference, "namespace"), "p50"),
            new Series(Percentile(0.95, Inference, "namespace"), "p95"),
            new Series(Percentile(0.99, Inference, "namespace"), "p99")),
        new("Requests that wait or run", Short, $"sum by (model) ({Waiting})", "{{model}}"),
        new("Inferences", Reqps, Rate($"{Inference}_count", "model"), "{{model}}"),
        new("Cost per hour", Short, $"3600 * {Rate("inference_cost_total", "model, currency")}", "{{model}} {{currency}}"));

    public static Board Serving { get; } = new(
        "serving", "serving",
        new("Inferences by status", Reqps, Rate($"{Inference}_count", "http_response_status_code"), "{{http_response_status_code}}"),
        new("Error rate by model", PercentUnit, ErrorRate($"{Inference}_count", "model", "5m"), "{{model}}"),
        new("Errors by kind", Reqps, Rate("inference_errors_total", "error_type"), "{{error_type}}"),
        new("Latency p95 by model", S, Percentile(0.95, Inference, "model"), "{{model}}"),
        new("Queue time p95", S, Percentile(0.95, "inference_queue_duration_seconds", "model"), "{{model}}"),
        new("Compute time p95", S, Percentile(0.95, "inference_compute_duration_seconds", "model"), "{{model}}"),
        new("Rows in a run", Short, $"{Rate("inference_batch_size_sum", "model")} / {Rate("inference_batch_size_count", "model")}",
            "{{model}}"),
        new("Response cache hit rate", PercentUnit, HitRate("inference_cache", "model", 0), "{{model}}"),
        new("Failed runs", Reqps, Rate("inference_runs_failed_total", "model, fault"), "{{model}}: {{fault}}"),
        new("Dropped without a run", Reqps, Rate("inference_requests_dropped_total", "model, reason"), "{{model}}: {{reason}}"));

    public static Board Model { get; } = new(
        "model", "models",
        new("Model cache hit rate", PercentUnit, HitRate("inference_model_cache", "namespace", 0), "all"),
        new("Evictions", Reqps, Rate("inference_model_cache_evictions_total", "model, version"), Version),
        new("Load time p95", S, Percentile(0.95, "inference_model_load_duration_seconds", "model, version"), Version),
        new("Breakers open", Short, $$"""max by (model, version) (inference_model_breaker_open{{{Here}}})""", Version),
        new(
            "Memory of open models", Bytes,
            new Series($$"""sum by (model, version) (inference_model_memory_bytes{{{Here}}})""", Version),
            new Series($$"""sum(inference_model_memory_limit_bytes{{{Here}}})""", "limit")),
        new("Compute time p95 by rows", S, Percentile(0.95, "inference_compute_duration_seconds", "model, batch_size_max"),
            "{{model}} {{batch_size_max}}"),
        new("Learned maximum of rows", Short, $$"""max by (model, version) (inference_batch_effective_max{{{Here}}})""", Version),
        new("Versions no longer batched", Short, $$"""sum by (model, version) (inference_batching_ended_total{{{Here}}})""", Version),
        new("Shadow requests", Reqps, Rate("inference_shadow_requests_total", "model, result"), "{{model}}: {{result}}"),
        new("Canaries rolled back", Short, $$"""sum by (model, version) (inference_traffic_rollbacks_total{{{Here}}})""", Version),
        new("Tensors that have drifted", Short, $$"""max by (model, version) (inference_drift_tensors{{{Here}}})""", Version),
        new("Stability index", Short, $$"""max by (model, version, direction) (inference_drift_psi{{{Here}}})""",
            "{{model}} {{version}} {{direction}}"),
        new("Dropped from drift", Reqps, Rate("inference_drift_dropped_total", "model, version"), Version));

    public static Board Queue { get; } = new(
        "queue", "queues and jobs",
        new("Depth", Short, $"sum by (model, priority) ({Waiting})", "{{model}} {{priority}}"),
        new("Age of the oldest", S, $$"""max by (model, priority) (inference_queue_age_seconds{{{Here}}})""", "{{model}} {{priority}}"),
        new("Size", Bytes, $$"""max by (model, version) (inference_queue_size_bytes{{{Here}}})""", Version),
        new("Dead letters", Short, $$"""max by (model, version) (inference_dlq_messages{{{Here}}})""", Version),
        new("Jobs pending", Short, $$"""sum by (model, state) (inference_jobs_pending{{{Here}}})""", "{{model}} {{state}}"),
        new("Jobs finished", Reqps, Rate("inference_jobs_finished_total", "model, outcome"), "{{model}} {{outcome}}"),
        new("Jobs put back by the reconciler", Reqps, Rate("inference_jobs_requeued_total", "namespace"), "jobs"),
        new("Lines of batches", Reqps, Rate("inference_batches_lines_total", "outcome"), "{{outcome}}"));

    public static Board Tenants { get; } = new(
        "tenants", "tenants and cost",
        new("Active tenants", Short, $$"""max(inference_tenants_active{{{Here}}})""", "tenants"),
        new("Inferences by tenant", Reqps, Rate("inference_tenant_inferences_total", "tenant, outcome"), "{{tenant}} {{outcome}}"),
        new("Refused by a limit", Reqps, Rate("inference_tenant_refused_total", "tenant, reason"), "{{tenant}} {{reason}}"),
        new("Cost per hour by tenant", Short, $"3600 * {Rate("inference_tenant_cost_total", "tenant, currency")}",
            "{{tenant}} {{currency}}"),
        new("Cost per hour by model", Short, $"3600 * {Rate("inference_cost_total", "model, role, currency")}",
            "{{model}} {{role}} {{currency}}"),
        new("Jobs by tenant", Reqps, Rate("inference_tenant_jobs_total", "tenant, outcome"), "{{tenant}} {{outcome}}"),
        new("Budget alerts", Short, $$"""sum by (tenant, level) (inference_tenant_budget_alerts_total{{{Here}}})""",
            "{{tenant}} {{level}}"),
        new("Audit entries lost or waiting", Short,
            new Series($$"""sum(inference_audit_waiting{{{Here}}})""", "waiting"),
            new Series($$"""sum(inference_audit_shed_total{{{Here}}})""", "lost")));
}
