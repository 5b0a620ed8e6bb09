namespace InferenceTemplate.AppHost.Kubernetes;

internal static class KubernetesExtensions
{
    /// <summary>
    /// Describes what the topology becomes in a cluster: <c>dotnet run --project AppHost -- --operation publish --step publish
    /// --output-path DIR</c> writes it as a Helm chart. Running here and the manifest for other tools know nothing of it: with a
    /// Kubernetes environment in the model, the manifest would hold an entry and types that those tools refuse.
    /// </summary>
    public static void AddKubernetes(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<PostgresServerResource> postgres,
        IResourceBuilder<RedisResource> redis,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker,
        IResourceBuilder<ProjectResource> web)
    {
        if (!builder.ExecutionContext.IsPublishMode || builder.Configuration["Pipeline:Step"] == "publish-manifest")
        {
            return;
        }

        builder.AddKubernetesEnvironment("k8s")
            .WithProperties(environment =>
            {
                environment.DashboardEnabled = false;
                environment.DefaultStorageType = "pvc";
                environment.DefaultStorageSize = "10Gi";
            })
            .WithHelm(chart => chart.WithChartName("inference"));

        postgres.WithSize(Sizes.Postgres).WithRestrictions(Restrictions.Postgres);
        redis.WithSize(Sizes.Redis).WithRestrictions(Restrictions.Redis);
        api.WithSize(Sizes.Api).WithRestrictions(Restrictions.Service).WithProbes();
        worker.WithSize(Sizes.Worker).WithRestrictions(Restrictions.Service).WithProbes();
        web.WithSize(Sizes.Web).WithRestrictions(Restrictions.Service).WithProbes();
    }
}
