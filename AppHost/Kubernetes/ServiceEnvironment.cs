namespace InferenceTemplate.AppHost.Kubernetes;

internal static class ServiceEnvironment
{
    // A service reads connection strings; their parts, which Aspire gives beside them, are for other languages.
    private static readonly string[] s_parts = ["INFERENCE_", "REDIS_", "API_"];

    /// <summary>Where telemetry goes, and under which name; nothing that a service does not read.</summary>
    public static IResourceBuilder<ProjectResource> WithServiceEnvironment(this IResourceBuilder<ProjectResource> builder, DeploySettings settings) => builder
        .WithEnvironment("OTEL_EXPORTER_OTLP_ENDPOINT", settings.OtlpEndpoint)
        .WithEnvironment("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .WithEnvironment("OTEL_SERVICE_NAME", builder.Resource.Name)
        .WithEnvironment("OTEL_RESOURCE_ATTRIBUTES", $"deployment.environment.name={settings.Environment.Name}")
        .WithEnvironment(context =>
        {
            // The passwords stay until the chart has its values: those are listed by what uses them alone.
            foreach (var name in context.EnvironmentVariables.Keys.Where(name => IsPart(name) && !name.EndsWith("_PASSWORD", StringComparison.Ordinal)).ToList())
            {
                context.EnvironmentVariables.Remove(name);
            }
        })
        .PublishAsKubernetesService(published =>
        {
            foreach (var name in published.Secret?.StringData.Keys.Where(IsPart).ToList() ?? [])
            {
                published.Secret!.StringData.Remove(name);
            }
        });

    private static bool IsPart(string name) => Array.Exists(s_parts, part => name.StartsWith(part, StringComparison.Ordinal));
}
