using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace InferenceTemplate.ServiceDefaults.Telemetry;

/// <summary>OpenTelemetry for every service: what is listened to, how it is named, where it goes.</summary>
internal static class OpenTelemetryDefaults
{
    /// <summary>Meters and activity sources of this product: each service names its own <c>InferenceTemplate.Something</c>.</summary>
    private const string Own = "InferenceTemplate.*";

    // As the weakest configuration: Aspire's clients would make spans, whether or not somebody exports them.
    private static readonly Dictionary<string, string?> NoSpans = new()
    {
        ["Aspire:Npgsql:DisableTracing"] = "true",
        ["Aspire:StackExchange:Redis:DisableTracing"] = "true",
    };

    public static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => Describe(resource, builder.Environment))
            .WithLogging(configureBuilder: null, logs =>
            {
                logs.IncludeFormattedMessage = true;
                logs.IncludeScopes = true;
            })
            .WithMetrics(metrics => metrics
                .AddMeter(Own)
                .AddAspNetCoreInstrumentation() // Kestrel's meter too
                .AddHttpClientInstrumentation()
                .AddRuntimeInstrumentation()
                .AddView(DurationBuckets)
                .AddPrometheusExporter());
        if (string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        {
            // Spans that go nowhere would still be made and tagged, for every request (docs/adr/0012-telemetry.md).
            builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = NoSpans });
            TraceIds.Listen();
            return;
        }

        // Everything else about OTLP (protocol, headers, intervals) is the SDK's to read from OTEL_* variables. The clients of Postgres
        // and Redis add their spans themselves.
        var ratio = TraceSampler.ReadRatio(builder.Configuration[TraceSampler.RatioKey]);
        telemetry
            .WithTracing(traces => traces
                .SetSampler(new ParentBasedSampler(new TraceSampler(ratio)))
                .AddSource(Own)
                .AddSource("Microsoft.AspNetCore.Components") // what a user of the dashboard does, else its calls would have no parent
                .AddAspNetCoreInstrumentation(requests =>
                {
                    requests.Filter = context => !DefaultPaths.IsProbe(context.Request.Path);

                    // Whatever a caller puts there, a key by mistake too.
                    requests.EnrichWithHttpRequest = (span, _) => span.SetTag("url.query", null);
                })
                .AddHttpClientInstrumentation())
            .UseOtlpExporter();
    }

    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come last and so win.
    private static void Describe(ResourceBuilder resource, IHostEnvironment environment) => resource
        .AddService(environment.ApplicationName, serviceVersion: Version())
        .AddAttributes([new("deployment.environment.name", environment.EnvironmentName)])
        .AddEnvironmentVariableDetector();

    private static string? Version() =>
        Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;

    /// <summary>
    /// Buckets for <c>inference.*</c> durations in seconds. The SDK's own end at 10 s and begin at 5 ms; a small model answers in
    /// less than a millisecond, and a request may wait a minute.
    /// </summary>
    private static ExplicitBucketHistogramConfiguration? DurationBuckets(Instrument instrument) =>
        instrument is Histogram<double> { Unit: "s" } && instrument.Name.StartsWith("inference.", StringComparison.Ordinal)
            ? new ExplicitBucketHistogramConfiguration
            {
                Boundaries =
                [
                    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 10, 30, 60,
                ],
            }
            : null;
}
