using InferenceTemplate.AppHost.Kubernetes.Environments;
using InferenceTemplate.AppHost.Kubernetes.Networking;
using InferenceTemplate.AppHost.Kubernetes.Scaling;
using InferenceTemplate.AppHost.Kubernetes.Servers;

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
        //#if (web)
        IResourceBuilder<ProjectResource> web,
        //#endif
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker)
    {
        if (!builder.ExecutionContext.IsPublishMode || builder.Configuration["Pipeline:Step"] == "publish-manifest")
        {
            return;
        }

        var settings = DeploySettings.Read(builder.Configuration);
        var environment = settings.Environment;
        var kubernetes = builder.AddKubernetesEnvironment("k8s")
            .WithProperties(k8s => k8s.DashboardEnabled = false)
            .WithHelm(chart => chart.WithChartName("inference-template").WithChartDescription($"Inference Template, {environment.Name}"));
        kubernetes.AddApiEdge(settings, api);

        api.WithSize(environment.Api).WithService(settings, Restrictions.Service).WithDrainOfCalls().WithReplicasByLoad(environment.ApiReplicas);
        worker.WithSize(environment.Worker).WithService(settings, Restrictions.Worker(environment.WorkerScratchMebibytes)).WithModelFiles(environment).WithDrainOfWork().WithGpu(environment.Gpu).WithReplicasByQueue(api, settings);
        //#if (web)
        kubernetes.AddWebEdge(settings, web);
        web.WithSize(environment.Web).WithService(settings, Restrictions.Service).WithDrainOfCalls().WithReplicas(environment.WebReplicas)
            .WithEnvironment("PublicApiUrl", $"https://{environment.Hosts.Api}")
            .WithEnvironment("DataProtection__Secret", builder.AddSecret("data-protection-secret", length: 48))
            .WithSecretsFrom(settings.Secrets).WithConfigChecksums();
        //#endif

        builder.AddPostgresServer(settings, postgres, api, worker);
        builder.AddRedisServer(settings, redis, api, worker);

        // What looks at the finished objects.
        api.PublishAsKubernetesService(published =>
        {
            NetworkPolicies.AddNamespacePolicies(published, settings);
            Mesh.AddPolicy(published, settings.Mesh);
            Quotas.Add(published, settings);
            SharedSecret.AddExternal(published, settings, builder.Resources.OfType<ParameterResource>().Where(p => p.Secret).Select(p => p.Name));
        });
        foreach (var service in (IResourceBuilder<ProjectResource>[])[api, worker])
        {
            service.WithSecretsFrom(settings.Secrets).WithConfigChecksums();
        }
    }

    private static IResourceBuilder<ProjectResource> WithService(
        this IResourceBuilder<ProjectResource> builder, DeploySettings settings, Restriction restriction) => builder
        .WithRestrictions(restriction)
        .WithProbes()
        .WithAvailability()
        .WithServiceEnvironment(settings)
        .WithNetworkPolicy(settings)
        .WithMesh(settings.Mesh)
        .WithRecommendations(settings.Recommendations);

    private static void AddPostgresServer(
        this IDistributedApplicationBuilder builder,
        DeploySettings settings,
        IResourceBuilder<PostgresServerResource> postgres,
        params IResourceBuilder<ProjectResource>[] users)
    {
        switch (settings.Database)
        {
            case ServerKind.Managed:
                builder.UseManaged(postgres.Resource, Resources.Database, ";SSL Mode=VerifyFull", users);
                break;
            case ServerKind.CloudNativePG:
                postgres.WithNetworkPolicy(settings).UseCloudNativePg(settings, users);
                postgres.WithSecretsFrom(settings.Secrets);
                break;
            default:
                postgres.WithServerPod(settings).WithNetworkPolicy(settings).WithMesh(settings.Mesh);
                if (settings.Tls)
                {
                    postgres.UseTls(users);
                }

                postgres.WithSecretsFrom(settings.Secrets).WithConfigChecksums();
                break;
        }
    }

    private static void AddRedisServer(
        this IDistributedApplicationBuilder builder,
        DeploySettings settings,
        IResourceBuilder<RedisResource> redis,
        params IResourceBuilder<ProjectResource>[] users)
    {
        if (settings.Redis == ServerKind.Managed)
        {
            builder.UseManaged(redis.Resource, Resources.Redis, ",ssl=true", users);
            return;
        }

        redis.WithServerPod(settings).WithNetworkPolicy(settings).WithMesh(settings.Mesh);
        if (settings.Tls)
        {
            redis.UseTls(withAuthorities: settings.Database != ServerKind.InCluster, users);
        }

        redis.WithSecretsFrom(settings.Secrets).WithConfigChecksums();
    }
}
