using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>Lets resources send telemetry.</summary>
public static class OtlpConfigurationExtensions
{
    private static readonly string[] Prefixes = ["ASPIRE_DASHBOARD", "DOTNET_DASHBOARD"];

    public static IResourceBuilder<T> WithOtlpExporter<T>(this IResourceBuilder<T> builder)
        where T : IResourceWithEnvironment =>
        builder.WithEnvironment(context =>
        {
            if (context.ExecutionContext.IsPublishMode) return;

            var variables = context.EnvironmentVariables;
            var configuration = builder.ApplicationBuilder.Configuration;
            var grpc = Prefixes.Select(p => configuration[$"{p}_OTLP_ENDPOINT_URL"]).FirstOrDefault(u => !string.IsNullOrEmpty(u));
            var http = Prefixes.Select(p => configuration[$"{p}_OTLP_HTTP_ENDPOINT_URL"]).FirstOrDefault(u => !string.IsNullOrEmpty(u));
            var collector = grpc ?? http;
            if (collector is not null)
            {
                variables["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector;
                variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = grpc is not null ? "grpc" : "http/protobuf";
            }

            // Each replica has its own; the orchestrator fills them in.
            variables["OTEL_RESOURCE_ATTRIBUTES"] = "service.instance.id={{- index .Annotations \"otel-service-instance-id\" -}}";
            variables["OTEL_SERVICE_NAME"] = "{{- index .Annotations \"otel-service-name\" -}}";
            if (collector is not null && configuration["AppHost:OtlpApiKey"] is { } key)
                variables["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={key}";

            if (builder.ApplicationBuilder.Environment.IsDevelopment())
            {
                variables["OTEL_BLRP_SCHEDULE_DELAY"] = "1000";
                variables["OTEL_BSP_SCHEDULE_DELAY"] = "1000";
                variables["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
                variables["OTEL_TRACES_SAMPLER"] = "always_on";
                variables["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
                variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true";
            }
        });
}
