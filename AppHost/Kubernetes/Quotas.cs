using System.Globalization;
using Aspire.Hosting.Kubernetes;
using InferenceTemplate.AppHost.Kubernetes.Environments;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>What the namespace may take in all, reckoned from the sizes: every replica at its most, one more of each during an update.</summary>
internal static class Quotas
{
    // Backup jobs, the certificate solver, a pod for looking around.
    private static readonly (PodSize Size, int Pods) s_others = (new(500, 2000, 512), 4);

    public static void Add(KubernetesResource published, DeploySettings settings)
    {
        var environment = settings.Environment;
        (PodSize Size, int Pods)[] all =
        [
            (environment.Api, environment.ApiReplicas.Max + 1),
            (environment.Worker, environment.WorkerReplicas.Max + 1),
            //#if (web)
            (environment.Web, environment.WebReplicas + 1),
            //#endif
            (environment.Postgres, settings.Database == ServerKind.CloudNativePG ? environment.DatabaseInstances + 1 : 1),
            (environment.Redis, 1),
            s_others,
        ];
        var hard = new Map
        {
            ["requests.cpu"] = Sum(all, size => size.Requests.Millicores, "m"),
            ["requests.memory"] = Sum(all, size => size.Requests.Mebibytes, "Mi"),
            ["limits.cpu"] = Sum(all, size => size.Limits.Millicores, "m"),
            ["limits.memory"] = Sum(all, size => size.Limits.Mebibytes, "Mi"),
            ["pods"] = Sum(all, _ => 1, ""),
            ["requests.nvidia.com/gpu"] = Text(environment.Gpu == GpuNodes.None ? 0 : environment.WorkerReplicas.Max + 1),
            ["persistentvolumeclaims"] = Text(10),
            ["services.loadbalancers"] = Text(0),
            ["services.nodeports"] = Text(0),
        };
        published.AdditionalResources.Add(new Manifest("v1", "ResourceQuota", "quota", new() { ["hard"] = hard }).OfPlatform());

        // A pod that says nothing of its size gets this one; with a quota it would be refused.
        published.AdditionalResources.Add(new Manifest("v1", "LimitRange", "limits", new()
        {
            ["limits"] = new[]
            {
                new Map
                {
                    ["type"] = "Container",
                    ["defaultRequest"] = new Map { ["cpu"] = "100m", ["memory"] = "256Mi" },
                    ["default"] = new Map { ["cpu"] = "500m", ["memory"] = "256Mi" },
                },
            },
        }).OfPlatform());
    }

    private static string Sum((PodSize Size, int Pods)[] all, Func<PodSize, long> of, string unit) => Text(all.Sum(each => of(each.Size) * each.Pods)) + unit;

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
