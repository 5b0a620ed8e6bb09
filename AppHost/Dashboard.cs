namespace InferenceTemplate.AppHost;

/// <summary>The Blazor dashboard.</summary>
internal static class Dashboard
{
    public static bool Included => true;

    public static IResourceBuilder<ProjectResource>? AddDashboard(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api) =>
        builder.AddService<Projects.Web>(Resources.Web)
            .WithReference(api.GetEndpoint("http")).WaitForStart(api)
            .WithExternalHttpEndpoints()
            .WithIconName("DataUsage")
            .WithPages(("Dashboard", "/"), ("Playground", "/playground"), ("Sign in", "/sign-in"), ("Health", "/health"));
}
