using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>Updates, drained nodes, a lost zone and changed configuration: none may cut off what is being served.</summary>
internal static class Availability
{
    // After SIGTERM a .NET host takes up to 30 seconds, which a pause before that comes on top of.
    private const int HostShutdown = 30;

    // The Api takes as long as a call may, and five seconds to answer.
    private static readonly double s_apiShutdown = new QueueOptions().MaxTimeout.TotalSeconds + 5;

    public static IEnumerable<string> Violations(RenderedObjects objects)
    {
        foreach (var pods in objects.Pods.Where(pods => pods.Owner.Kind is "Deployment" or "StatefulSet"))
        {
            if (!objects.OfKind("PodDisruptionBudget").Any(budget => RenderedObjects.Selects(budget.Spec.At("selector"), pods.Labels)))
            {
                yield return $"{pods}: has no disruption budget";
            }

            var pause = pods.Containers.Max(container => container.Number("lifecycle", "preStop", "sleep", "seconds") ?? 0);
            var shutdown = pods.Component == "api" ? s_apiShutdown : HostShutdown;
            if (pods.Spec.Number("terminationGracePeriodSeconds") is not { } grace || grace <= shutdown + pause)
            {
                yield return $"{pods}: is killed before it may have ended";
            }

            foreach (var violation in Unnoticed(pods, objects)) yield return $"{pods}: {violation}";
            if (pods.Owner.Kind != "Deployment") continue;

            var update = pods.Owner.Spec.At("strategy", "rollingUpdate");
            var usesGpu = pods.Containers.Any(container => container.Entries("resources", "limits").ContainsKey("nvidia.com/gpu"));
            if (update.Text("maxUnavailable") != (usesGpu ? "1" : "0"))
            {
                yield return $"{pods}: an update takes pods away before others are ready";
            }

            if (usesGpu && update.Text("maxSurge") != "0")
            {
                yield return $"{pods}: an update waits for a GPU that nobody gives back";
            }

            foreach (var key in new[] { "topology.kubernetes.io/zone", "kubernetes.io/hostname" })
            {
                if (!pods.Spec.Items("topologySpreadConstraints").Any(spread => spread.Text("topologyKey") == key))
                {
                    yield return $"{pods}: is not spread over {key}";
                }
            }

            if (pause == 0 && objects.OfKind("Ingress").Any(ingress => LeadsTo(ingress, pods, objects)))
            {
                yield return $"{pods}: stops listening while requests still come";
            }
        }
    }

    // Variables are read at the start, so a pod has to be replaced when they change.
    private static IEnumerable<string> Unnoticed(Pods pods, RenderedObjects objects) =>
        from source in pods.Containers.SelectMany(container => container.Items("envFrom"))
        let name = source.Text("configMapRef", "name") + source.Text("secretRef", "name")
        let kind = source.At("configMapRef") is null ? "Secret" : "ConfigMap"
        where objects.Find(kind, name) is not null
        let hashed = name.Length > 11 && name[^11] == '-' // kustomize names them by their content
        let checksum = pods.Template.Text("metadata", "annotations", kind == "Secret" ? "checksum/secrets" : "checksum/config")
        where !hashed && checksum.Length != 64
        select $"does not notice when {kind}/{name} changes";

    private static bool LeadsTo(KubernetesObject ingress, Pods pods, RenderedObjects objects) =>
        ingress.Spec.Items("rules").SelectMany(rule => rule.Items("http", "paths")).Select(path => path.Text("backend", "service", "name"))
            .Any(name => objects.Find("Service", name) is { } service && RenderedObjects.Selects(service.Spec.At("selector"), pods.Labels));
}
