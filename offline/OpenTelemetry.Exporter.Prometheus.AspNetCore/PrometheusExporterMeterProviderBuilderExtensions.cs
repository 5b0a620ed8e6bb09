using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using OpenTelemetry.Exporter;

namespace OpenTelemetry.Metrics;

/// <summary>Adds the exporter that waits to be scraped.</summary>
public static class PrometheusExporterMeterProviderBuilderExtensions
{
    public static MeterProviderBuilder AddPrometheusExporter(this MeterProviderBuilder builder)
    {
        builder.ConfigureServices(services => services.TryAddSingleton<PrometheusExporter>());
        return builder.AddReader(services => new BaseExportingMetricReader(services.GetRequiredService<PrometheusExporter>())
        {
            TemporalityPreference = MetricReaderTemporalityPreference.Cumulative,
        });
    }
}
