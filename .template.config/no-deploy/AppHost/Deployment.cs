namespace InferenceTemplate.AppHost;

/// <summary>Where a deployment would be added: this project was made without one.</summary>
internal static class Deployment
{
    public static void AddDeployment(
        this IDistributedApplicationBuilder builder, IResourceBuilder<PostgresDatabaseResource> database)
    {
    }
}
