using InferenceTemplate.AppHost.Commands;
using InferenceTemplate.AppHost.Kubernetes;
using InferenceTemplate.AppHost.Monitoring;

namespace InferenceTemplate.AppHost;

/// <summary>What <c>aspire publish</c> writes, and what deploy/scripts bring to a developer's machine.</summary>
internal static class Deployment
{
    public static void AddDeployment(
        this IDistributedApplicationBuilder builder, IResourceBuilder<PostgresDatabaseResource> database)
    {
        builder.AddHelmChart();
        builder.AddMonitoring();
        database.WithBackupCommand();
    }
}
