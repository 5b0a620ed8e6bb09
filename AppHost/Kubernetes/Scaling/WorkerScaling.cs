using System.Globalization;
using Aspire.Hosting.Kubernetes.Resources;
using InferenceTemplate.AppHost.Kubernetes.Environments;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Scaling;

internal static class WorkerScaling
{
    private const string Authentication = "worker-scaling";

    /// <summary>The bearer token by which KEDA asks the Api; only in a cluster is there such an endpoint.</summary>
    public const string Token = "scaling-token";

    /// <summary>
    /// As many workers as the requests in the queues call for, which KEDA asks of the Api: none when nothing waits, if the environment
    /// allows that. While the Api does not answer, as many as there are at least.
    /// </summary>
    public static IResourceBuilder<ProjectResource> WithReplicasByQueue(
        this IResourceBuilder<ProjectResource> builder, IResourceBuilder<ProjectResource> api, DeploySettings settings)
    {
        var token = builder.ApplicationBuilder.AddSecret(Token, length: 48);
        api.WithEnvironment("Scaling__Token", token);
        return builder.PublishAsKubernetesService(published =>
        {
            var deployment = (Deployment)published.Workload!;
            deployment.Spec.Replicas = null;
            var (secret, key) = settings.Secrets == SecretSource.Chart ? ($"{api.Resource.Name}-secrets", "Scaling__Token") : (SharedSecret.Name, Token);
            published.AdditionalResources.Add(new Manifest("keda.sh/v1alpha1", "TriggerAuthentication", Authentication, new()
            {
                ["secretTargetRef"] = new[] { new Map { ["parameter"] = "token", ["name"] = secret, ["key"] = key } },
            }));
            published.AdditionalResources.Add(new Manifest(
                "keda.sh/v1alpha1", "ScaledObject", $"{builder.Resource.Name}-scaler", Scaler(deployment.Metadata.Name, settings.Environment)));
        });
    }

    private static Map Scaler(string deployment, DeployEnvironment environment) => new()
    {
        ["scaleTargetRef"] = new Map { ["name"] = deployment },
        ["minReplicaCount"] = environment.WorkerReplicas.Min,
        ["maxReplicaCount"] = environment.WorkerReplicas.Max,
        ["pollingInterval"] = 5,
        ["cooldownPeriod"] = ApiScaling.Stabilisation,
        ["fallback"] = new Map { ["failureThreshold"] = 6, ["replicas"] = Math.Max(1, environment.WorkerReplicas.Min) },
        ["advanced"] = new Map
        {
            ["horizontalPodAutoscalerConfig"] = new Map
            {
                ["behavior"] = new Map { ["scaleDown"] = new Map { ["stabilizationWindowSeconds"] = ApiScaling.Stabilisation } },
            },
        },
        ["triggers"] = new[]
        {
            new Map
            {
                ["type"] = "metrics-api",
                ["metricType"] = "AverageValue", // the number waiting is divided by the workers
                ["metadata"] = new Map
                {
                    // By its full name: KEDA asks from a namespace of its own.
                    ["url"] = "http://api-service.{{ .Release.Namespace }}.svc.cluster.local:8080/scaling/workers",
                    ["valueLocation"] = "waiting",
                    ["targetValue"] = environment.WaitingPerWorker.ToString(CultureInfo.InvariantCulture),
                    ["activationTargetValue"] = "0",
                    ["authMode"] = "bearer",
                },
                ["authenticationRef"] = new Map { ["name"] = Authentication },
            },
        },
    };
}
