using InferenceTemplate.AppHost.Kubernetes.Rendering;

namespace InferenceTemplate.AppHost.Monitoring.Servers;

/// <summary>
/// Who is told: P1 the pager and the chat, P2 the chat, P3 and what has no severity by mail. What is only a consequence of something
/// worse is held back. Secrets are files that whoever installs it mounts.
/// </summary>
internal static class Alertmanager
{
    private const string Secrets = "/etc/alertmanager/secrets";

    public static Map Configuration => new()
    {
        ["global"] = new Map
        {
            ["resolve_timeout"] = "5m",
            ["smtp_smarthost"] = "smtp.example.com:587",
            ["smtp_from"] = "alerts@example.com",
            ["smtp_auth_username"] = "alerts@example.com",
            ["smtp_auth_password_file"] = $"{Secrets}/smtp-password",
            ["smtp_require_tls"] = true,
        },
        ["route"] = new Map
        {
            ["receiver"] = "mail",
            ["group_by"] = new[] { "namespace", "alertname" },
            ["group_wait"] = "30s",
            ["group_interval"] = "5m",
            ["repeat_interval"] = "24h",
            ["routes"] = new[]
            {
                Route("pager", "P1", "10s", "1h", further: true),
                Route("chat", "P1", "10s", "4h"),
                Route("chat", "P2", "30s", "4h"),
                Route("mail", "P3", "5m", "24h"),
            },
        },
        ["inhibit_rules"] = new[]
        {
            Inhibit("alertname=\"ServiceDown\"", "alertname=~\"ReplicaDown|HighErrorRate\"", "namespace", "job"),
            // Without a worker everything waits and fails.
            Inhibit(
                "alertname=\"ServiceDown\"",
                "alertname=~\"ModelErrorRate|HighLatency|QueueDeep|QueueNearlyFull|GpuIdleWhileWorkWaits|ErrorBudgetBurn\"", "namespace"),
            Inhibit(
                "alertname=~\"DatabaseUnreachable|RedisUnreachable\"",
                "alertname=~\"HighErrorRate|ModelErrorRate|HighLatency|QueueDeep|QueueNearlyFull|RecordsLost|DatabaseCpuHigh|"
                + "ReplicationLag|ErrorBudgetBurn\"",
                "namespace"),
            Inhibit("alertname=\"GpuFailure\"", "alertname=\"GpuIdleWhileWorkWaits\""),
            Inhibit("alertname=\"QueueNearlyFull\"", "alertname=\"QueueDeep\"", "namespace"),
            Inhibit("alertname=\"HighErrorRate\"", "alertname=\"ModelErrorRate\"", "namespace"),
            // The same fault, in another window.
            Inhibit("severity=\"P1\"", "severity=~\"P2|P3\"", "namespace", "alertname", "slo"),
            Inhibit("severity=\"P2\"", "severity=\"P3\"", "namespace", "alertname", "slo"),
        },
        ["receivers"] = new[]
        {
            new Map
            {
                ["name"] = "pager",
                ["pagerduty_configs"] = new[]
                {
                    new Map
                    {
                        ["routing_key_file"] = $"{Secrets}/pager-key",
                        ["severity"] = "critical",
                        ["description"] = "{{ .CommonAnnotations.summary }}",
                    },
                },
            },
            new Map
            {
                ["name"] = "chat",
                ["slack_configs"] = new[]
                {
                    new Map
                    {
                        ["api_url_file"] = $"{Secrets}/chat-url",
                        ["channel"] = "#inference-alerts",
                        ["send_resolved"] = true,
                        ["title"] = "{{ .CommonLabels.severity }} {{ .CommonLabels.alertname }} ({{ .Status }})",
                        ["text"] = "{{ range .Alerts }}{{ .Annotations.summary }}: {{ .Annotations.runbook_url }}\n{{ end }}",
                    },
                },
            },
            new Map
            {
                ["name"] = "mail",
                ["email_configs"] = new[] { new Map { ["to"] = "operations@example.com", ["send_resolved"] = true } },
            },
        },
    };

    private static Map Route(string receiver, string severity, string wait, string repeat, bool further = false) => new()
    {
        ["receiver"] = receiver,
        ["matchers"] = new[] { $"severity=\"{severity}\"" },
        ["group_wait"] = wait,
        ["repeat_interval"] = repeat,
        ["continue"] = further,
    };

    private static Map Inhibit(string source, string target, params string[] equal) => new()
    {
        ["source_matchers"] = new[] { source },
        ["target_matchers"] = new[] { target },
        ["equal"] = equal,
    };
}
