using InferenceTemplate.AppHost.Monitoring.Grafana;
using InferenceTemplate.Core.Objectives;
using static System.FormattableString;
using static InferenceTemplate.AppHost.Monitoring.Alerts.Severity;
using static InferenceTemplate.AppHost.Monitoring.Promql;

namespace InferenceTemplate.AppHost.Monitoring.Alerts;

/// <summary>What users notice: services, models, their GPUs, and what tenants pay.</summary>
internal static class ServiceAlerts
{
    private const string Requests = "http_server_request_duration_seconds_count";
    private const string Inferences = "inference_request_duration_seconds";
    private const string BudgetAlerts = $$"""sum by (namespace, tenant) (inference_tenant_budget_alerts_total{{{Here}},level="alert"}""";

    public static IReadOnlyList<Alert> All(Thresholds at) =>
    [
        new(
            "ServiceDown", P1,
            $$"""
            sum by (namespace, job) (up{{{Here}}}) == 0
              or absent(up{{{Here}},job="api"})
              or (absent(up{{{Here}},job="worker"}) and on () sum({{Waiting}}) > 0)
            """,
            1,
            "{{ $labels.job }} is down",
            "No replica of {{ $labels.job }} answers Prometheus; of the worker, while requests wait for one.",
            "service-down", ServingBoards.Overview["Replicas up"]),
        new(
            "ReplicaDown", P2, $$"""up{{{Here}}} == 0""", 5,
            "A replica of {{ $labels.job }} is down",
            "{{ $labels.pod }} has not answered Prometheus for five minutes; other replicas do.",
            "service-down", ServingBoards.Overview["Replicas up"]),
        new(
            "HighErrorRate", P1, Invariant($"{ErrorRate(Requests, "namespace, job", "5m")} > {at.ErrorRate}"), 5,
            "{{ $value | humanizePercentage }} of the requests to {{ $labels.job }} fail",
            "Answers with status 500 or above. 503 says why: the queue is full, a model cannot be loaded, or the database is away.",
            "high-error-rate", ServingBoards.Overview["Error rate"]),
        new(
            "ModelErrorRate", P2, Invariant($"{ErrorRate($"{Inferences}_count", "namespace, model", "5m")} > {at.ErrorRate}"), 5,
            "{{ $value | humanizePercentage }} of the inferences of {{ $labels.model }} fail",
            "Other models may be well. Errors by kind tell timeouts, a failing model and missing workers apart.",
            "high-error-rate", ServingBoards.Serving["Error rate by model"]),
        new(
            "HighLatency", P2, Invariant($"{Percentile(0.95, Inferences, "namespace, model")} > {at.LatencySeconds}"), 5,
            "{{ $labels.model }} answers slowly: p95 is {{ $value | humanizeDuration }}",
            "Either requests wait (queue time) or runs are slow (compute time).",
            "high-latency", ServingBoards.Serving["Latency p95 by model"]),
        new(
            "QueueDeep", P2, Invariant($"sum by (namespace) ({Waiting}) > {at.QueueDepth}"), 2,
            "{{ $value }} requests wait",
            "Workers do not keep up.",
            "queue-deep", ServingBoards.Queue["Depth"]),
        new(
            "QueueNearlyFull", P2, Invariant($"sum by (namespace, model, version) ({Waiting}) > {at.QueueNearlyFull}"), 2,
            "{{ $value }} requests wait for {{ $labels.model }} {{ $labels.version }}",
            "At Queue:MaxDepth callers get 503.",
            "queue-deep", ServingBoards.Queue["Depth"]),
        new(
            "ModelCannotBeLoaded", P2, $$"""max by (namespace, model, version) (inference_model_breaker_open{{{Here}}}) == 1""", 5,
            "{{ $labels.model }} {{ $labels.version }} cannot be loaded",
            "A worker has given up loading it for a while. Its requests get 503, or the fallback's result.",
            "model-cannot-be-loaded", ServingBoards.Model["Breakers open"]),
        new(
            "DeadLetters", P3, $$"""max by (namespace, model, version) (inference_dlq_messages{{{Here}}}) > 0""", 10,
            "{{ $value }} dead letters of {{ $labels.model }}",
            "Requests that killed their workers or failed again and again. They wait to be put back or deleted.",
            "dead-letters", ServingBoards.Queue["Dead letters"]),
        new(
            "ModelDrifted", P3, $$"""max by (namespace, model, version) (inference_drift_tensors{{{Here}}}) > 0""", 10,
            "{{ $labels.model }} {{ $labels.version }} has drifted",
            "{{ $value }} of its tensors are distributed otherwise than in the baseline: what it is sent has changed, or what it answers.",
            "model-drifted", ServingBoards.Model["Tensors that have drifted"]),
        new(
            "RecordsLost", P2, $"{Rate("inference_predictions_shed_total", "namespace")} > 0", 5,
            "Records of predictions are lost",
            "Postgres does not keep up with them, or is away. Inference is not affected.",
            "database-down", ServerBoards.Servers["Records lost"]),
        new(
            "GpuFailure", P1,
            Invariant($$"""
            {{string.Join("\n  or ", at.GpuFaults.Select(code => Invariant($"DCGM_FI_DEV_XID_ERRORS == {code}")))}}
              or increase(hw_errors_total{{{Here}},error_type="uncorrected"}[10m]) > 0
              or inference_device_fallback{{{Here}}} == 1
            """),
            1,
            "A GPU has failed",
            "The driver reports a fault of the card or of its memory, or a worker with a GPU computes on the processor "
            + "({{ $labels.instance }} {{ $labels.Hostname }} {{ $labels.pod }}).",
            "gpu-failure", ServerBoards.Gpu["Faults"]),
        new(
            "GpuIdleWhileWorkWaits", P2,
            Invariant($$"""
            avg by (namespace) (hw_gpu_utilization{{{Here}}}) < {{at.GpuUtilization}}
              and on (namespace) sum by (namespace) ({{Waiting}}) > {{at.WaitingForGpu}}
            """),
            10,
            "Requests wait while GPUs compute {{ $value | humanizePercentage }} of the time",
            "Batches are too small, models are loaded again and again, or workers wait for Postgres or Redis.",
            "gpu-idle", ServerBoards.Gpu["Utilization"]),
        new(
            "CacheHitRateLow", P3, Invariant($"{HitRate("inference_cache", "namespace, model", at.CacheLookups)} < {at.CacheHitRate}"), 30,
            "The response cache of {{ $labels.model }} answers {{ $value | humanizePercentage }}",
            "Requests do not repeat, or the cache is too small or its entries end too soon. Switch it off for models that gain nothing.",
            "cache-hit-rate-low", ServingBoards.Serving["Response cache hit rate"]),
        new(
            "ModelCacheHitRateLow", P3,
            Invariant($"{HitRate("inference_model_cache", "namespace", at.CacheLookups)} < {at.CacheHitRate}"), 30,
            "Only {{ $value | humanizePercentage }} of the runs find their model open",
            "More models are asked for than fit into the workers' memory, so that they push each other out.",
            "cache-hit-rate-low", ServingBoards.Model["Model cache hit rate"]),
        // A counter that appears has no increase: it is compared with what was an hour ago, or with nothing.
        new(
            "BudgetNearlySpent", P3,
            $$"""
            {{BudgetAlerts}})
              > ({{BudgetAlerts}} offset 1h) or {{BudgetAlerts}}) * 0)
            """,
            1,
            "{{ $labels.tenant }} has nearly spent its month",
            "It has used the part of its budget or quota at which it is told (Tenants:AlertAt). At the whole it gets 429.",
            "budget-nearly-spent", ServingBoards.Tenants["Budget alerts"]),
    ];
}
