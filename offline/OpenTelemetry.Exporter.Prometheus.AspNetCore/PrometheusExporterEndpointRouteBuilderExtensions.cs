using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Maps the endpoint that Prometheus scrapes.</summary>
public static class PrometheusExporterEndpointRouteBuilderExtensions
{
    public static IEndpointConventionBuilder MapPrometheusScrapingEndpoint(this IEndpointRouteBuilder endpoints, string path)
    {
        // The provider first: it is what connects the exporter to the meters.
        endpoints.ServiceProvider.GetRequiredService<MeterProvider>();
        var exporter = endpoints.ServiceProvider.GetService<PrometheusExporter>()
            ?? throw new ArgumentException("The meter provider has no Prometheus exporter: call AddPrometheusExporter() on its builder.", nameof(endpoints));

        return endpoints.Map(path, async context =>
        {
            var text = await exporter.ScrapeAsync(context.RequestAborted);
            if (text is null)
            {
                context.Response.StatusCode = StatusCodes.Status500InternalServerError;
                return;
            }

            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            await context.Response.WriteAsync(text, context.RequestAborted);
        });
    }
}
