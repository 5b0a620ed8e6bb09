using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes.Pods;

/// <summary>What the pods of services and servers have alike.</summary>
internal static class PodTemplates
{
    /// <param name="evictable">Whether the cluster's autoscaler may move a pod to save a node.</param>
    public static V1PodTemplateSpec Template(string component, V1PodSpec pod, ComponentEnvironment environment, bool evictable)
    {
        var labels = Component.Labels(component);
        labels[Rendering.Template.Spliced(Placement.Of(component, "labels"))] = "";
        labels[Rendering.Template.When(Switches.Istio, "sidecar.istio.io/inject")] = "true";
        var annotations = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["cluster-autoscaler.kubernetes.io/safe-to-evict"] = evictable ? "true" : "false",
            [Rendering.Template.When(Switches.Linkerd, "linkerd.io/inject")] = "enabled",
            // As a native sidecar it starts before the container and ends after it, so that what drains can still answer.
            [Rendering.Template.When(Switches.Linkerd, "config.linkerd.io/proxy-enable-native-sidecar")] = "true",
            [Rendering.Template.When(Switches.Linkerd, "config.linkerd.io/default-inbound-policy")] = "cluster-authenticated",
            [Rendering.Template.When(Switches.Istio, "proxy.istio.io/config")] = "holdApplicationUntilProxyStarts: true",
        };
        foreach (var (name, checksum) in environment.Checksums())
        {
            annotations[name] = checksum;
        }

        annotations[Rendering.Template.Spliced(Placement.Of(component, "annotations"))] = "";
        Placement.Apply(pod, component);

        return new() { Metadata = new() { Labels = labels, Annotations = annotations }, Spec = pod };
    }

    public static V1ResourceRequirements Resources(string component) => new()
    {
        Requests = Quantities(component, "cpu"),
        Limits = Quantities(component, "cpuLimit"),
    };

    private static Dictionary<string, ResourceQuantity> Quantities(string component, string cpu) => new(StringComparer.Ordinal)
    {
        ["cpu"] = Rendering.Template.Quantity($".Values.sizes.{component}.{cpu}"),
        ["memory"] = Rendering.Template.Quantity($".Values.sizes.{component}.memory"),
    };
}
