using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace InferenceTemplate.Tests.Unit.ServiceDefaults;

[CollectionDefinition(nameof(ConsoleLogTests), DisableParallelization = true)]
[Collection(nameof(ConsoleLogTests))]
public sealed class ConsoleLogTests
{
    private const string TraceId = "5bf92f3577b34da6a3ce929d0e0e4736";

    [Fact]
    public async Task Line_is_json_with_utc_time_trace_id_and_correlation_id()
    {
        var line = JsonElement.Parse(await LogLineAsync());

        Assert.Equal("hello-from-test 42", line.GetProperty("Message").GetString());
        Assert.Equal("Warning", line.GetProperty("LogLevel").GetString());
        Assert.Equal(42, line.GetProperty("State").GetProperty("Number").GetInt32());
        Assert.EndsWith("Z", line.GetProperty("Timestamp").GetString(), StringComparison.Ordinal);
        var age = DateTimeOffset.UtcNow - DateTimeOffset.Parse(line.GetProperty("Timestamp").GetString()!, CultureInfo.InvariantCulture);
        Assert.InRange(age, TimeSpan.FromMinutes(-1), TimeSpan.FromMinutes(30));

        var scopes = line.GetProperty("Scopes").EnumerateArray().ToList();
        Assert.Contains(scopes, scope => Is(scope, "TraceId", TraceId));
        Assert.Contains(scopes, scope => scope.TryGetProperty("SpanId", out var span) && span.GetString()!.Length == 16);
        Assert.Contains(scopes, scope => Is(scope, "CorrelationId", "order-17"));
    }

    [Fact]
    public async Task Line_is_plain_text_when_configuration_asks_for_it()
    {
        var line = await LogLineAsync(("Logging:Console:FormatterName", "simple"));

        Assert.Equal("hello-from-test 42", line.Trim());
    }

    [Fact]
    public async Task Formatter_options_of_configuration_win()
    {
        var line = JsonElement.Parse(await LogLineAsync(("Logging:Console:FormatterOptions:TimestampFormat", "'noon'")));

        Assert.Equal("noon", line.GetProperty("Timestamp").GetString());
    }

    // The console logger takes Console.Out when it is made.
    private static async Task<string> LogLineAsync(params (string, string)[] settings)
    {
        var console = Console.Out;
        using var captured = new StringWriter();
        Console.SetOut(TextWriter.Synchronized(captured));
        try
        {
            await using var service = await Service.StartAsync(
                app => app.MapGet("/log", (ILogger<ConsoleLogTests> logger) => logger.LogWarning("hello-from-test {Number}", 42)),
                quiet: false,
                settings: settings);
            using var response = await service.GetAsync(
                "/log", ("X-Correlation-Id", "order-17"), ("traceparent", $"00-{TraceId}-00f067aa0ba902b7-01"));
        }
        finally
        {
            Console.SetOut(console);
        }

        return captured.ToString().Split('\n').Single(line => line.Contains("hello-from-test", StringComparison.Ordinal));
    }

    private static bool Is(JsonElement scope, string name, string value) =>
        scope.TryGetProperty(name, out var property) && property.GetString() == value;
}
