using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace Tests.Offline.Telemetry;

/// <summary>The expected texts are what the real exporter writes for the same instruments in format 0.0.4.</summary>
public sealed class PrometheusTests
{
    [Fact]
    public async Task Counter_has_unit_and_total_in_its_name_and_scope_and_tags_as_labels()
    {
        using var meter = new Meter(new MeterOptions("Test.Counter") { Version = "1.0.1", Tags = [new("meter1", "value1")] });
        var counter = meter.CreateCounter<double>("counter.double", unit: "By");

        var text = await Scrape(() => counter.Add(101.17, new("key1", "value1"), new("key2", true)), meter);

        Assert.Contains("""
            # TYPE counter_double_bytes_total counter
            counter_double_bytes_total{otel_scope_name="Test.Counter",otel_scope_version="1.0.1",otel_scope_meter1="value1",key1="value1",key2="true"} 101.17

            """, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Histogram_has_cumulative_buckets_a_sum_and_a_count()
    {
        using var meter = new Meter("Test.Histogram");
        var histogram = meter.CreateHistogram<double>("test.duration", "s", "How long it took.", null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.005, 0.5] });

        var text = await Scrape(() => Array.ForEach([0.001, 0.25, 7], histogram.Record), meter);

        Assert.Contains("""
            # TYPE test_duration_seconds histogram
            # HELP test_duration_seconds How long it took.
            test_duration_seconds_bucket{otel_scope_name="Test.Histogram",le="0.005"} 1
            test_duration_seconds_bucket{otel_scope_name="Test.Histogram",le="0.5"} 2
            test_duration_seconds_bucket{otel_scope_name="Test.Histogram",le="+Inf"} 3
            test_duration_seconds_sum{otel_scope_name="Test.Histogram"} 7.251
            test_duration_seconds_count{otel_scope_name="Test.Histogram"} 3

            """, text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("queue.depth", "{request}", "queue_depth")]
    [InlineData("gpu.utilization", "1", "gpu_utilization")]
    [InlineData("disk.io", "By/s", "disk_io_bytes_per_second")]
    [InlineData("memory.bytes", "By", "memory_bytes")]
    [InlineData("x..name", "", "x_name")]
    public async Task Up_down_counter_is_a_gauge_named_after_the_specification(string name, string unit, string expected)
    {
        using var meter = new Meter("Test." + expected);
        var counter = meter.CreateUpDownCounter<long>(name, unit);

        var text = await Scrape(() => counter.Add(-3), meter);

        Assert.Contains($"# TYPE {expected} gauge\n{expected}{{otel_scope_name=\"Test.{expected}\"}} -3\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_is_escaped()
    {
        using var meter = new Meter("Test.Escape");
        meter.CreateObservableGauge("escape", () => new Measurement<double>(double.NaN, new KeyValuePair<string, object?>("a.b", "\\ \" \n")), null, "line\nbreak");

        var text = await Scrape(() => { }, meter);

        Assert.Contains("# HELP escape line\\nbreak\n", text, StringComparison.Ordinal);
        Assert.Contains("""escape{otel_scope_name="Test.Escape",a_b="\\ \" \n"} NaN""", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Family_of_two_meters_is_written_in_one_piece()
    {
        using var one = new Meter("Test.Family.One");
        using var two = new Meter("Test.Family.Two");

        var text = await Scrape(
            () =>
            {
                one.CreateCounter<long>("family.shared").Add(1);
                one.CreateCounter<long>("family.other").Add(1);
                two.CreateCounter<long>("family.shared").Add(2);
                two.CreateUpDownCounter<long>("family.shared.total").Add(5);
            },
            one, two);

        Assert.Contains("""
            # TYPE family_shared_total counter
            family_shared_total{otel_scope_name="Test.Family.One"} 1
            family_shared_total{otel_scope_name="Test.Family.Two"} 2

            """, text, StringComparison.Ordinal);
        Assert.DoesNotContain("} 5\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exposition_is_understood_by_promtool()
    {
        using var meter = new Meter("Test.Promtool");
        var text = await Scrape(
            () =>
            {
                meter.CreateCounter<long>("promtool.requests", "{request}", "Help with \\ and \n.").Add(1, new KeyValuePair<string, object?>("a", "\"\n\\é"));
                meter.CreateHistogram<double>("promtool.duration", "s", "Help.").Record(1);
            },
            meter);

        using var promtool = Start("promtool", "check metrics");
        if (promtool is null) Assert.Skip("promtool is not on PATH (Debian: apt-get install prometheus).");
        await promtool.StandardInput.WriteAsync(text);
        promtool.StandardInput.Close();
        var problems = await promtool.StandardOutput.ReadToEndAsync() + await promtool.StandardError.ReadToEndAsync();
        await promtool.WaitForExitAsync();

        Assert.Equal("", problems);
        Assert.Equal(0, promtool.ExitCode);
    }

    private static Process? Start(string tool, string arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(tool, arguments)
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            });
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static async Task<string> Scrape(Action measure, params Meter[] meters)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics
            .AddMeter([.. meters.Select(meter => meter.Name)]).AddPrometheusExporter());
        await using var app = builder.Build();
        app.MapPrometheusScrapingEndpoint("/metrics");
        await app.StartAsync();
        measure();

        using var client = new HttpClient();
        using var response = await client.GetAsync(app.Urls.First() + "/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        return await response.Content.ReadAsStringAsync();
    }
}
