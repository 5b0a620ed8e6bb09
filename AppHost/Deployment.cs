using InferenceTemplate.AppHost.Commands;
using InferenceTemplate.AppHost.Kubernetes;

namespace InferenceTemplate.AppHost;

/// <summary>What <c>aspire publish</c> writes, and what deploy/scripts bring to a developer's machine.</summary>
internal static class Deployment
{
    public static void AddDeployment(
        this IDistributedApplicationBuilder builder, IResourceBuilder<PostgresDatabaseResource> database)
    {
        builder.AddHelmChart();
        database.WithBackupCommand();
    }
}
