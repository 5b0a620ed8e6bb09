using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;

namespace InferenceTemplate.ServiceDefaults.Http;

/// <summary>Every HttpClient of the factory finds services by name and survives short failures of them.</summary>
internal static class HttpClientDefaults
{
    public static void AddHttpClientDefaults(this IServiceCollection services)
    {
        services.AddServiceDiscovery();
        services.ConfigureHttpClientDefaults(http =>
        {
            // A retried POST may do its work twice; only what is safe to repeat is repeated. (The API is complete but still marked.)
#pragma warning disable EXTEXP0001
            http.AddStandardResilienceHandler(options => options.Retry.DisableForUnsafeHttpMethods())
#pragma warning restore EXTEXP0001
                // One circuit breaker a service, or the failure of one would cut off all.
                .SelectPipelineByAuthority();

            http.AddServiceDiscovery();
        });

        // OpenTelemetry's exporters retry by themselves, and export once more while the container, pipelines included, is disposed.
        foreach (var exporter in (string[])["OtlpTraceExporter", "OtlpMetricExporter", "OtlpLogExporter"])
        {
#pragma warning disable EXTEXP0001
            services.AddHttpClient(exporter).RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        }
    }
}
