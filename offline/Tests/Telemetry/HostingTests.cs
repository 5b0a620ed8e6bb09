using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace Tests.Offline.Telemetry;

public sealed class HostingTests
{
    [Fact]
    public async Task Host_starts_the_three_signals_and_flushes_them_at_its_end()
    {
        var spans = new Spans();
        var logs = new Logs();
        var metrics = new Metrics();

        await using (var server = await HttpServer.StartAsync(LogHello, builder =>
        {
            builder.Logging.SetMinimumLevel(LogLevel.Information);
            builder.Services.AddOpenTelemetry()
                .WithLogging(log => log.AddProcessor(logs), configureOptions: null)
                .WithMetrics(metric => metric.AddRuntimeInstrumentation().AddReader(new PeriodicExportingMetricReader(metrics, int.MaxValue)))
                .WithTracing(trace => trace.AddAspNetCoreInstrumentation(null).AddProcessor(spans));
        }))
        {
            await Get(new Uri(server.Address, "/hosting"));
            Assert.Empty(metrics.Names);
        }

        Assert.Contains("dotnet.gc.collections", metrics.Names);
        Assert.Contains("hello {Name}", logs.Bodies);
        var span = Assert.Single(spans.Of("/hosting"));
        Assert.Equal("GET", span.DisplayName);
        Assert.Equal("GET", span.GetTagItem("http.request.method"));
        Assert.Equal(200, span.GetTagItem("http.response.status_code"));
    }

    [Fact]
    public async Task Server_span_is_named_after_the_route_and_fails_with_the_server()
    {
        var spans = new Spans();
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddOpenTelemetry().WithTracing(trace => trace.AddAspNetCoreInstrumentation(null).AddProcessor(spans));
        await using (var app = builder.Build())
        {
            app.MapGet("/routed/{id}", (int id) => Results.StatusCode(id));
            await app.StartAsync();
            foreach (var status in new[] { 204, 404, 503 }) await Get(new Uri($"{app.Urls.First()}/routed/{status}"));
            await app.StopAsync();
        }

        Assert.Equal(
            [(204, ActivityStatusCode.Unset), (404, ActivityStatusCode.Unset), (503, ActivityStatusCode.Error)],
            spans.Ended.Where(span => span.DisplayName == "GET /routed/{id}" && "/routed/{id}".Equals(span.GetTagItem("http.route")))
                .Select(span => ((int)span.GetTagItem("http.response.status_code")!, span.Status)));
    }

    [Fact]
    public async Task Filter_drops_a_request_and_what_happens_below_it()
    {
        using var source = new ActivitySource("Test.Filter");
        var spans = new Spans();

        await using (var server = await HttpServer.StartAsync(
            (_, _) =>
            {
                source.StartActivity("child")?.Dispose();
                return Task.CompletedTask;
            },
            builder => builder.Services.AddOpenTelemetry().WithTracing(trace => trace
                .AddSource("Test.Filter")
                .AddAspNetCoreInstrumentation(options => options.Filter = context =>
                    context.Request.Path == "/throws" ? throw new InvalidOperationException() : context.Request.Path != "/filtered")
                .AddProcessor(spans))))
        {
            foreach (var path in new[] { "/filtered", "/throws", "/kept-by-filter" }) await Get(new Uri(server.Address, path));
        }

        Assert.Empty(spans.Of("/filtered").Concat(spans.Of("/throws")));
        var kept = Assert.Single(spans.Of("/kept-by-filter"));
        Assert.Equal(kept.SpanId, Assert.Single(spans.Ended, span => span.DisplayName == "child").ParentSpanId);
    }

    [Fact]
    public async Task Client_span_carries_the_trace_to_the_server()
    {
        var spans = new Spans();
        await using (var server = await HttpServer.StartAsync((_, _) => Task.CompletedTask, builder => builder.Services.AddOpenTelemetry()
            .WithTracing(trace => trace.AddAspNetCoreInstrumentation(null).AddHttpClientInstrumentation().AddProcessor(spans))))
        {
            await Get(new Uri(server.Address, "/client-span"));
        }

        var call = Assert.Single(spans.Ended, span => span.Kind == ActivityKind.Client
            && ((string?)span.GetTagItem("url.full"))?.EndsWith("/client-span", StringComparison.Ordinal) == true);
        Assert.Equal(call.SpanId, Assert.Single(spans.Of("/client-span")).ParentSpanId);
    }

    private static Task LogHello(int count, HttpContext context)
    {
        context.RequestServices.GetRequiredService<ILogger<HostingTests>>().LogInformation("hello {Name}", "telemetry");
        return Task.CompletedTask;
    }

    private static async Task Get(Uri address)
    {
        using var client = new HttpClient();
        using var response = await client.GetAsync(address);
    }

    private sealed class Spans : BaseProcessor<Activity>
    {
        public List<Activity> Ended { get; } = [];

        public IEnumerable<Activity> Of(string path) => Ended.Where(span => (string?)span.GetTagItem("url.path") == path);

        public override void OnEnd(Activity data)
        {
            lock (Ended) Ended.Add(data);
        }
    }

    private sealed class Logs : BaseProcessor<LogRecord>
    {
        public List<string?> Bodies { get; } = [];

        public override void OnEnd(LogRecord data)
        {
            lock (Bodies) Bodies.Add(data.Body);
        }
    }

    private sealed class Metrics : BaseExporter<Metric>
    {
        public List<string> Names { get; } = [];

        public override ExportResult Export(in Batch<Metric> batch)
        {
            foreach (var metric in batch) Names.Add(metric.Name);
            return ExportResult.Success;
        }
    }
}
