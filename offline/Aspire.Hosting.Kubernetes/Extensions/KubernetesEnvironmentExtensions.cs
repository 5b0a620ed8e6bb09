using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;
using Aspire.Hosting.Kubernetes.Publishing;

namespace Aspire.Hosting;

/// <summary>Adds a cluster to publish to.</summary>
public static class KubernetesEnvironmentExtensions
{
    public static IResourceBuilder<KubernetesEnvironmentResource> AddKubernetesEnvironment(this IDistributedApplicationBuilder builder, string name)
    {
        var environment = new KubernetesEnvironmentResource(name)
        {
            ChartName = builder.Environment.ApplicationName.ToLowerInvariant().Replace('_', '-').Replace('.', '-'),
            Dashboard = Dashboard(builder, $"{name}-dashboard"),
        };
        if (builder.ExecutionContext.IsRunMode)
        {
            return builder.CreateResourceBuilder(environment);
        }

        ((DistributedApplicationBuilder)builder).Pipeline.AddStep(
            $"publish-{name}", step => new ChartPublisher(environment, step).PublishAsync(), requiredBy: "publish");
        return builder.AddResource(environment);
    }

    public static IResourceBuilder<KubernetesEnvironmentResource> WithProperties(
        this IResourceBuilder<KubernetesEnvironmentResource> builder, Action<KubernetesEnvironmentResource> configure)
    {
        configure(builder.Resource);
        return builder;
    }

    public static IResourceBuilder<KubernetesEnvironmentResource> WithHelm(
        this IResourceBuilder<KubernetesEnvironmentResource> builder, Action<HelmChartOptions>? configure = null)
    {
        configure?.Invoke(new HelmChartOptions(builder.Resource));
        return builder;
    }

    public static IResourceBuilder<KubernetesEnvironmentResource> WithDashboard(
        this IResourceBuilder<KubernetesEnvironmentResource> builder, bool enabled = true)
    {
        builder.Resource.DashboardEnabled = enabled;
        return builder;
    }

    // Not part of the model: it exists in the chart only.
    private static ContainerResource Dashboard(IDistributedApplicationBuilder builder, string name) =>
        builder.CreateResourceBuilder(new ContainerResource(name))
            .WithImage("mcr.microsoft.com/dotnet/nightly/aspire-dashboard", "13.5")
            .WithHttpEndpoint(targetPort: 18888)
            .WithEndpoint("http", endpoint => endpoint.IsExternal = true)
            .WithHttpEndpoint(name: "otlp-grpc", targetPort: 18889)
            .WithHttpEndpoint(name: "otlp-http", targetPort: 18890)
            .Resource;
}
