using Aspire.Hosting.Kubernetes.Resources;

namespace InferenceTemplate.AppHost.Kubernetes.Objects;

/// <summary>Who the pods of one component are to the cluster: somebody of their own, who may nothing and gets no token.</summary>
internal sealed class ServiceAccount : BaseKubernetesResource
{
    public ServiceAccount(string name)
        : base("v1", "ServiceAccount") => Metadata.Name = name;

    // An instance member, since the publisher writes those.
#pragma warning disable CA1822
    public bool AutomountServiceAccountToken => false;
#pragma warning restore CA1822
}
