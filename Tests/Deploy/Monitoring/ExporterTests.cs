using System.Diagnostics;
using System.Net;
using InferenceTemplate.Tests.Deploy.Rendering;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Deploy.Monitoring;

/// <summary>
/// Metrics of others that alerts and panels name: those of the exporters of Postgres, Redis and nodes from the real programs, beside a
/// real Postgres and Redis. Those of the product are in MetricsTests of Tests/Api.
/// </summary>
public sealed class ExporterTests(Servers servers)
{
    // By the documents of each. The exporter of Postgres has called the lag so since 0.13; Debian 12 has 0.11.
    private static readonly Dictionary<string, string[]> s_documented = new(StringComparer.Ordinal)
    {
        ["postgres_exporter"] = ["pg_up", "pg_stat_activity_count", "pg_database_size_bytes", "pg_stat_database_xact_commit"],
        ["postgres_exporter 0.13"] = ["pg_replication_lag_seconds"],
        ["CloudNativePG"] = ["cnpg_collector_up", "cnpg_pg_replication_lag"],
        ["redis_exporter"] = ["redis_up", "redis_memory_used_bytes", "redis_commands_processed_total", "redis_connected_clients"],
        ["node_exporter"] = ["node_filesystem_avail_bytes", "node_filesystem_size_bytes"],
        ["kube-state-metrics"] =
        [
            "kube_node_status_condition", "kube_pod_container_resource_limits", "kube_pod_container_status_restarts_total",
        ],
        ["kubelet"] = ["kubelet_volume_stats_used_bytes", "kubelet_volume_stats_capacity_bytes"],
        ["cAdvisor"] =
        [
            "container_memory_working_set_bytes", "container_cpu_usage_seconds_total", "container_cpu_cfs_periods_total",
            "container_cpu_cfs_throttled_periods_total",
        ],
        ["dcgm-exporter"] = ["DCGM_FI_DEV_XID_ERRORS"],
        ["Prometheus"] = ["up", "ALERTS"],
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void Alerts_and_panels_name_metrics_of_the_product_of_these_exporters_and_of_rules()
    {
        var recorded = WatchFiles.Rules().Select(rule => rule.Text("record"));
        var named = WatchFiles.Rules().Select(rule => rule.Text("expr")).Concat(WatchFiles.PanelQueries()).SelectMany(MetricNames.Of)
            .ToHashSet(StringComparer.Ordinal);

        Assert.Contains("inference_queue_depth", named);
        var others = named.Where(name =>
            !name.StartsWith("inference_", StringComparison.Ordinal) && !name.StartsWith("hw_", StringComparison.Ordinal)
            && !name.StartsWith("http_server_", StringComparison.Ordinal)).ToList();
        Assert.Empty(others.Except(s_documented.SelectMany(exporter => exporter.Value)).Except(recorded));
        Assert.Empty(s_documented.SelectMany(exporter => exporter.Value).Except(others)); // no more than is used
    }

    [Theory]
    [InlineData("sum by (model, le) (rate(a_bucket{model=\"m\"}[5m])) > 0.05 and on (model) b offset 1h", "a_bucket,b")]
    [InlineData("label_replace(absent(c), \"metric\", \"d\", \"\", \"\") or e == 1", "c,e")]
    public void Metrics_of_a_query_are_found(string query, string names) => Assert.Equal(names, string.Join(',', MetricNames.Of(query)));

    [Fact]
    public async Task Exporter_of_postgres_has_them()
    {
        var to = new NpgsqlConnectionStringBuilder(servers.ConnectionString);

        await ExposesAsync("postgres_exporter", "prometheus-postgres-exporter", "pg_up 1", new()
        {
            ["DATA_SOURCE_URI"] = $"{to.Host}:{to.Port}/{to.Database}?sslmode=disable",
            ["DATA_SOURCE_USER"] = to.Username!,
            ["DATA_SOURCE_PASS"] = to.Password!,
        });
    }

    [Fact]
    public async Task Exporter_of_redis_has_them()
    {
        var configuration = StackExchange.Redis.ConfigurationOptions.Parse(servers.Redis.Configuration);
        var endpoint = servers.Redis.GetEndPoints()[0];
        var (host, port) = endpoint is DnsEndPoint named ? (named.Host, named.Port)
            : (((IPEndPoint)endpoint).Address.ToString(), ((IPEndPoint)endpoint).Port);

        await ExposesAsync("redis_exporter", "prometheus-redis-exporter", "redis_up 1", new()
        {
            ["REDIS_ADDR"] = $"redis://{host}:{port}",
            ["REDIS_PASSWORD"] = configuration.Password ?? "",
        });
    }

    [Fact]
    public Task Exporter_of_nodes_has_them() =>
        ExposesAsync("node_exporter", "prometheus-node-exporter", "node_filesystem_avail_bytes{", []);

    private static async Task ExposesAsync(string exporter, string program, string ready, Dictionary<string, string> environment)
    {
        WatchFiles.Need(program, program);
        var address = $"127.0.0.1:{Ports.Free()}";
        var start = new ProcessStartInfo(program, [$"--web.listen-address={address}"])
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { }; // read, so that it can go on writing
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        try
        {
            using var client = new HttpClient();
            var metrics = "";
            await Wait.UntilAsync(
                async () =>
                {
                    try
                    {
                        metrics = await client.GetStringAsync($"http://{address}/metrics", Cancellation);
                    }
                    catch (HttpRequestException)
                    {
                        return false; // not yet
                    }

                    return metrics.Contains(ready, StringComparison.Ordinal);
                },
                awaited: $"{program} with {ready}");

            var exposed = metrics.Split('\n').Where(line => !line.StartsWith('#')).Select(line => line.Split('{', ' ')[0])
                .ToHashSet(StringComparer.Ordinal);
            Assert.Empty(s_documented[exporter].Except(exposed));
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }
}
