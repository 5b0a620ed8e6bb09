namespace OpenTelemetry.Metrics;

/// <summary>Listens to the runtime's own meter, which .NET has since version 9.</summary>
public static class MeterProviderBuilderExtensions
{
    public static MeterProviderBuilder AddRuntimeInstrumentation(this MeterProviderBuilder builder) => builder.AddMeter("System.Runtime");
}
