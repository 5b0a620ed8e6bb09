using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;
using Tests.Offline.Hosting;

namespace Tests.Offline.Kubernetes;

/// <summary>The application from which the real library made the chart in Reference/.</summary>
internal static class SampleCluster
{
    public static void Describe(IDistributedApplicationBuilder builder)
    {
        SampleTopology.Describe(builder, named: true);
        var (api, worker, web) = (Project(builder, "api"), Project(builder, "worker"), Project(builder, "web"));
        var k8s = builder.AddKubernetesEnvironment("k8s")
            .WithProperties(e =>
            {
                e.DashboardEnabled = false;
                e.DefaultStorageType = "pvc";
                e.DefaultStorageSize = "5Gi";
            })
            .WithHelm(h => h.WithChartName("inference").WithChartVersion("1.2.3").WithNamespace("inference").WithReleaseName("inference"));
        k8s.AddIngress("edge")
            .WithIngressClass("nginx")
            .WithHostname("inference.example.com")
            .WithPath("/", web.GetEndpoint("http"))
            .WithTls("edge-tls");
        builder.CreateResourceBuilder(builder.Resources.OfType<PostgresServerResource>().Single()).PublishAsKubernetesService(k =>
        {
            foreach (var container in k.Workload!.PodTemplate.Spec.Containers)
            {
                container.Resources = new() { Limits = { ["memory"] = "1Gi" } };
            }
        });
        foreach (var project in new[] { api, worker, web })
        {
            project.PublishAsKubernetesService(k =>
            {
                var container = k.Workload!.PodTemplate.Spec.Containers.Single();
                foreach (var probe in new[] { container.LivenessProbe, container.ReadinessProbe, container.StartupProbe })
                {
                    if (probe?.HttpGet is { } get)
                    {
                        get.Scheme = "HTTP";
                    }
                }
            });
        }

        api.PublishAsKubernetesService(k =>
        {
            var deployment = (Deployment)k.Workload!;
            deployment.Spec.Replicas = null;
            deployment.Spec.Strategy.RollingUpdate.MaxUnavailable = 0;
            var pod = deployment.Spec.Template.Spec;
            pod.Containers[0].Resources = new() { Requests = { ["cpu"] = "250m" }, Limits = { ["nvidia.com/gpu"] = "1" } };
            pod.NodeSelector["accelerator"] = "nvidia";
            pod.Tolerations.Add(new() { Key = "nvidia.com/gpu", Operator = "Exists", Effect = "NoSchedule" });
            pod.TerminationGracePeriodSeconds = 45;
            k.AdditionalResources.Add(Autoscaler(deployment.Metadata.Name));
        });
    }

    public static IResourceBuilder<ProjectResource> Project(IDistributedApplicationBuilder builder, string name) =>
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(p => p.Name == name));

    private static HorizontalPodAutoscalerV2 Autoscaler(string deployment) => new()
    {
        Metadata = { Name = "api-hpa" },
        Spec =
        {
            MinReplicas = 2,
            MaxReplicas = 10,
            Behavior = null!,
            ScaleTargetRef = new() { ApiVersion = "apps/v1", Kind = "Deployment", Name = deployment, Metadata = null! },
            Metrics =
            {
                new()
                {
                    Type = "Resource",
                    ContainerResource = null!,
                    External = null!,
                    Pods = null!,
                    Object = null!,
                    Resource = new() { Name = "cpu", Target = new() { Type = "Utilization", AverageUtilization = 70 } },
                },
            },
        },
    };
}
