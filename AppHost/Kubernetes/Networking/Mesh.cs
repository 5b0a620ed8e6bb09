using Aspire.Hosting.Kubernetes;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>Encrypts the hops between pods and proves both ends, by the proxies of a service mesh.</summary>
internal static class Mesh
{
    public static IResourceBuilder<T> WithMesh<T>(this IResourceBuilder<T> builder, MeshKind mesh)
        where T : IComputeResource => mesh == MeshKind.None ? builder : builder.PublishAsKubernetesService(published =>
        {
            var metadata = published.Workload!.PodTemplate.Metadata;
            if (mesh == MeshKind.Linkerd)
            {
                metadata.Annotations["linkerd.io/inject"] = "enabled";

                // As a native sidecar it starts before the container and ends after it, so that what drains can still answer.
                metadata.Annotations["config.linkerd.io/proxy-enable-native-sidecar"] = "true";
                metadata.Annotations["config.linkerd.io/default-inbound-policy"] = "cluster-authenticated";
            }
            else
            {
                metadata.Labels["sidecar.istio.io/inject"] = "true";
                metadata.Annotations["proxy.istio.io/config"] = "holdApplicationUntilProxyStarts: true";
            }
        });

    /// <summary>Istio's policy that plain connections are refused; Linkerd's is the annotation of each pod.</summary>
    public static void AddPolicy(KubernetesResource published, MeshKind mesh)
    {
        if (mesh == MeshKind.Istio)
        {
            published.AdditionalResources.Add(new Manifest(
                "security.istio.io/v1", "PeerAuthentication", "mutual-tls", new() { ["mtls"] = new Map { ["mode"] = "STRICT" } }).OfPlatform());
        }
    }
}
