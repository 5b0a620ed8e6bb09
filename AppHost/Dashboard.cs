namespace InferenceTemplate.AppHost;

/// <summary>The Blazor dashboard.</summary>
internal static class Dashboard
{
    public static bool Included => true;

    public static IResourceBuilder<ProjectResource>? AddDashboard(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api) =>
        builder.AddService<Projects.Web>(Resources.Web)
            .WithReference(api.GetEndpoint("http")).WaitForStart(api)
            .WithTraces()
            .WithExternalHttpEndpoints()
            .WithIconName("DataUsage")
            .WithPages(("Dashboard", "/"), ("Playground", "/playground"), ("Sign in", "/sign-in"), ("Health", "/health"));

    // The Aspire dashboard is where this AppHost listens; what is deployed names its own place for traces.
    private static IResourceBuilder<ProjectResource> WithTraces(this IResourceBuilder<ProjectResource> dashboard) =>
        dashboard.ApplicationBuilder is { ExecutionContext.IsRunMode: true, Configuration: var configuration }
            && configuration["ASPNETCORE_URLS"]?.Split(';') is [{ Length: > 0 } address, ..]
            ? dashboard.WithEnvironment("TraceUrl", $"{address.TrimEnd('/')}/traces/detail/{{traceId}}")
            : dashboard;
}
