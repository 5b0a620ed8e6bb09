namespace OpenTelemetry.Metrics;

/// <summary>Listens to the meters that HttpClient itself has.</summary>
public static class HttpClientInstrumentationMeterProviderBuilderExtensions
{
    public static MeterProviderBuilder AddHttpClientInstrumentation(this MeterProviderBuilder builder) =>
        builder.AddMeter("System.Net.Http", "System.Net.NameResolution");
}
