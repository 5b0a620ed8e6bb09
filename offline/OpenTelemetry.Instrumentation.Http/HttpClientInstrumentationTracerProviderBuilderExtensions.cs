namespace OpenTelemetry.Trace;

/// <summary>Traces calls by the activities that HttpClient itself starts, with the semantic conventions' tags since .NET 9.</summary>
public static class HttpClientInstrumentationTracerProviderBuilderExtensions
{
    public static TracerProviderBuilder AddHttpClientInstrumentation(this TracerProviderBuilder builder) =>
        builder.AddSource("System.Net.Http");
}
