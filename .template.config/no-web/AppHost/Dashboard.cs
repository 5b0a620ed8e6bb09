namespace InferenceTemplate.AppHost;

/// <summary>Where a dashboard would be added: this project was made without one.</summary>
internal static class Dashboard
{
    public static bool Included => false;

    public static IResourceBuilder<ProjectResource>? AddDashboard(
        this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> api) => null;
}
