using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Monitoring;

/// <summary>Collector and log store, as far as their files tell: neither program is here.</summary>
public sealed class CollectorTests
{
    private static readonly string[] s_signals = ["logs", "traces", "metrics"];

    [Fact]
    public void Pipelines_use_what_is_configured_and_all_of_it()
    {
        var collector = WatchFiles.Read("collector.yaml");
        var pipelines = collector.At("service", "pipelines")!.AsObject();
        Assert.Equal(s_signals, pipelines.Select(pipeline => pipeline.Key));
        foreach (var kind in (string[])["receivers", "processors", "exporters"])
        {
            Assert.Equal(
                collector[kind]!.AsObject().Select(each => each.Key).Order(StringComparer.Ordinal),
                pipelines.SelectMany(pipeline => pipeline.Value.Items(kind)).Select(each => each.ToString()).Distinct()
                    .Order(StringComparer.Ordinal));
        }

        Assert.Equal(
            collector["extensions"]!.AsObject().Select(each => each.Key),
                collector.Items("service", "extensions").Select(each => each.ToString()));
    }

    [Fact]
    public void Memory_is_limited_before_anything_else_and_secrets_go_before_anything_is_stored()
    {
        var collector = WatchFiles.Read("collector.yaml");
        Assert.All(s_signals, signal =>
            Assert.Equal("memory_limiter", collector.Items("service", "pipelines", signal, "processors").First().ToString()));
        foreach (var signal in (string[])["logs", "traces"])
        {
            var processors = collector.Items("service", "pipelines", signal, "processors").Select(each => each.ToString()).ToList();
            Assert.Equal(["memory_limiter", "attributes/secrets", "batch"], processors);
        }

        var removed = collector.Items("processors", "attributes/secrets", "actions");
        Assert.All(removed, action => Assert.Equal("delete", action.Text("action")));
        Assert.Superset(
            new HashSet<string> { "http.request.header.authorization", "http.request.header.x-api-key", "http.request.header.cookie" },
            removed.Select(action => action.Text("key")).ToHashSet());
    }

    /// <summary>The chart's services send to port 4317 by gRPC, and its network policies admit that port.</summary>
    [Fact]
    public void Services_send_where_the_collector_listens()
    {
        var endpoint = new Uri(Charts.Values().Text("otlpEndpoint"));

        Assert.Equal($"0.0.0.0:{endpoint.Port}",
            WatchFiles.Read("collector.yaml").Text("receivers", "otlp", "protocols", "grpc", "endpoint"));
    }

    [Fact]
    public void Logs_are_kept_thirty_days_and_then_deleted()
    {
        var loki = WatchFiles.Read("loki.yaml");

        Assert.Equal("720h", loki.Text("limits_config", "retention_period"));
        Assert.True(loki.IsTrue("compactor", "retention_enabled"));
        Assert.NotEmpty(loki.Text("compactor", "delete_request_store"));
        Assert.All(loki.Items("schema_config", "configs"), period =>
            Assert.Equal("24h", period.Text("index", "period"))); // else nothing is deleted
        Assert.Contains(":3100/otlp", WatchFiles.Read("collector.yaml").Text("exporters", "otlphttp/logs", "endpoint"),
            StringComparison.Ordinal);
        Assert.Equal(3100, loki.Number("server", "http_listen_port"));
    }
}
