using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using InferenceTemplate.Tests.Shared;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Trace;

namespace InferenceTemplate.Tests.Unit.ServiceDefaults;

public sealed class TelemetryTests
{
    [Fact]
    public async Task Metrics_show_own_meters_requests_and_runtime_but_no_probes()
    {
        using var meter = new Meter("InferenceTemplate.Tests.Metrics");
        await using var service = await Service.StartAsync(app => app.MapGet("/metrics-test/{id}", (int id) => id));
        meter.CreateCounter<long>("inference.test.requests").Add(2, new KeyValuePair<string, object?>("model", "digits"));
        using var request = await service.GetAsync("/metrics-test/1");
        using var probe = await service.GetAsync("/health");

        using var response = await service.GetAsync("/metrics");
        var text = await response.TextAsync();

        Assert.Contains("inference_test_requests_total{otel_scope_name=\"InferenceTemplate.Tests.Metrics\",model=\"digits\"} 2\n", text,
            StringComparison.Ordinal);
        Assert.Contains("# TYPE http_server_request_duration_seconds histogram\n", text, StringComparison.Ordinal);
        Assert.Contains("http_route=\"/metrics-test/{id}\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain(text.Split('\n'), line => line.StartsWith("http_server_request_duration", StringComparison.Ordinal)
            && line.Contains("http_route=\"/health\"", StringComparison.Ordinal));
        Assert.Contains("# TYPE kestrel_active_connections gauge\n", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE dotnet_gc_collections_total counter\n", text, StringComparison.Ordinal);
        Assert.Contains($"service_name=\"{Service.Name}\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inference_durations_have_buckets_from_half_a_millisecond_to_a_minute()
    {
        using var meter = new Meter("InferenceTemplate.Tests.Buckets");
        await using var service = await Service.StartAsync();
        meter.CreateHistogram<double>("inference.test.duration", "s").Record(0.0004);
        meter.CreateHistogram<double>("inference.test.batch.size").Record(3);

        using var response = await service.GetAsync("/metrics");
        var text = await response.TextAsync();

        Assert.Contains("inference_test_duration_seconds_bucket{otel_scope_name=\"InferenceTemplate.Tests.Buckets\",le=\"0.0005\"} 1\n",
            text, StringComparison.Ordinal);
        Assert.Contains("inference_test_duration_seconds_bucket{otel_scope_name=\"InferenceTemplate.Tests.Buckets\",le=\"60\"} 1\n", text,
            StringComparison.Ordinal);
        Assert.DoesNotContain("inference_test_batch_size_bucket{otel_scope_name=\"InferenceTemplate.Tests.Buckets\",le=\"60\"}", text,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Otlp_receives_traces_metrics_and_logs_under_the_given_service_name()
    {
        await using var collector = await Collector.StartAsync();
        using var source = new ActivitySource("InferenceTemplate.Tests.Otlp");
        await using (var service = await Service.StartAsync(
            app => app.MapGet("/otlp-test/{id}", (int id, ILogger<TelemetryTests> logger) =>
            {
                using var activity = source.StartActivity("own-span");
                logger.LogWarning("otlp-log {Number}", id);
            }),
            settings:
            [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
                ("OTEL_SERVICE_NAME", "renamed"),
            ],
            quiet: false))
        {
            // The client, in this process too, is in the trace of a caller: by itself it would begin none.
            var parent = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
            using var caller = source.StartActivity("caller", ActivityKind.Internal, parent);
            using var request = await service.GetAsync("/otlp-test/7");
            using var probe = await service.GetAsync("/alive");
        }

        Assert.Contains("GET /otlp-test/{id}", collector.Received("/v1/traces"), StringComparison.Ordinal);
        Assert.Contains("own-span", collector.Received("/v1/traces"), StringComparison.Ordinal);
        Assert.DoesNotContain("GET /alive", collector.Received("/v1/traces"), StringComparison.Ordinal);
        Assert.Contains("http.server.request.duration", collector.Received("/v1/metrics"), StringComparison.Ordinal);
        Assert.Contains("otlp-log 7", collector.Received("/v1/logs"), StringComparison.Ordinal);
        Assert.All(new[] { "/v1/traces", "/v1/metrics", "/v1/logs" }, path =>
        {
            Assert.Contains("renamed", collector.Received(path), StringComparison.Ordinal);
            Assert.DoesNotContain("service.name\u0012" + Service.Name, collector.Received(path), StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task No_span_is_made_where_no_collector_would_get_it()
    {
        await using var service = await Service.StartAsync(app => app.MapGet(
            "/spans", () => $"{Activity.Current?.IsAllDataRequested} {Activity.Current?.TraceId}"));
        using var response = await service.GetAsync("/spans", ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));

        Assert.Equal("False 4bf92f3577b34da6a3ce929d0e0e4736", await response.TextAsync());
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("http://127.0.0.1:1", true)]
    public async Task Clients_of_postgres_and_redis_make_spans_only_for_a_collector(string collector, bool traced)
    {
        await using var service = await Service.StartAsync(
            configure: builder =>
            {
                builder.AddNpgsqlDataSource("inference");
                builder.AddRedisClient("redis");
            },
            settings:
            [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", collector),
                ("ConnectionStrings:inference", "Host=127.0.0.1;Port=1"),
                ("ConnectionStrings:redis", "127.0.0.1:1,abortConnect=false"),
            ]);

        Assert.Equal(traced, service.Services.GetService<TracerProvider>() is not null);
    }

    [Fact]
    public async Task Failure_marks_its_trace_with_the_exception()
    {
        var spans = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);
        await using var collector = await Collector.StartAsync();
        await using (var service = await Service.StartAsync(
            app => app.MapGet("/trace-boom", string () => throw new InvalidOperationException("why")),
            settings: [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]))
        {
            using var response = await service.GetAsync("/trace-boom");
            // A span ends after its answer has arrived.
            await Wait.UntilAsync(() => spans.Any(IsOfTheFailure));
        }

        var span = Assert.Single(spans, IsOfTheFailure);
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.Equal("exception", Assert.Single(span.Events).Name);

        static bool IsOfTheFailure(Activity span) => (string?)span.GetTagItem("url.path") == "/trace-boom";
    }

    /// <summary>
    /// As much of an OpenTelemetry collector as can be asked whether it got something; protobuf keeps strings as they are.
    /// </summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly ConcurrentQueue<(string Path, string Body)> _requests = new();
        private readonly WebApplication _app;

        private Collector(WebApplication app) => _app = app;

        public string Address => _app.Urls.First();

        public static async Task<Collector> StartAsync()
        {
            var builder = WebApplication.CreateBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var app = builder.Build();
            var collector = new Collector(app);
            app.Run(async context =>
            {
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body, context.RequestAborted);
                collector._requests.Enqueue((context.Request.Path, Encoding.UTF8.GetString(body.ToArray())));
            });
            await app.StartAsync();
            return collector;
        }

        public string Received(string path) =>
            string.Concat(_requests.Where(request => request.Path == path).Select(request => request.Body));

        public ValueTask DisposeAsync() => _app.DisposeAsync();
    }
}
