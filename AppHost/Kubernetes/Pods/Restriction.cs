using System.Globalization;
using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes.Pods;

/// <summary>
/// What a pod may not do: be root or become it, ask the kernel for privileges, talk to the cluster's API, write anywhere but to its
/// volumes and to <paramref name="Writable"/>. This meets the Pod Security Standard "restricted".
/// </summary>
/// <param name="User">
/// The user of the image: 1654 is <c>app</c> of the .NET images, 999 what the Postgres and Redis images made for themselves.
/// </param>
/// <param name="Writable">Folders that a pod starts with empty.</param>
internal sealed record Restriction(long User, params IReadOnlyList<string> Writable)
{
    public static Restriction Service { get; } = new(1654, "/tmp");

    /// <summary>A worker keeps the files of models there.</summary>
    public static Restriction Worker { get; } = Service with { Size = Template.Quantity(".Values.disks.models") };

    public static Restriction Postgres { get; } = new(999, "/tmp", "/var/run/postgresql");

    public static Restriction Redis { get; } = new(999, "/tmp");

    private long UserNumber => Template.Number(User.ToString(CultureInfo.InvariantCulture), Switches.ImageUsers);

    /// <summary>Of each folder; a pod that writes more is evicted.</summary>
    public ResourceQuantity Size { get; init; } = new("256Mi");

    public void Apply(V1PodSpec pod, string component)
    {
        pod.ServiceAccountName = component;
        pod.AutomountServiceAccountToken = false;
        pod.EnableServiceLinks = false; // the variables that tell of every Service of the namespace
        pod.SecurityContext = new()
        {
            RunAsNonRoot = true,
            RunAsUser = UserNumber,
            RunAsGroup = UserNumber,
            FsGroup = UserNumber, // so that the user may write to its volumes
            FsGroupChangePolicy = "OnRootMismatch",
            SeccompProfile = new() { Type = "RuntimeDefault" },
        };
        pod.ImagePullSecrets = [new() { Name = Template.When(Switches.PullSecret, "{{ .Values.imagePullSecret }}") }];
        foreach (var container in pod.Containers)
        {
            container.SecurityContext = new()
            {
                AllowPrivilegeEscalation = false,
                ReadOnlyRootFilesystem = true,
                RunAsNonRoot = true,
                Capabilities = new() { Drop = ["ALL"] },
            };
            container.ImagePullPolicy = "IfNotPresent";
            container.Resources = PodTemplates.Resources(component);
        }

        foreach (var folder in Writable)
        {
            var name = folder.Trim('/').Replace('/', '-');
            pod.Volumes.Add(new() { Name = name, EmptyDir = new() { SizeLimit = Size } });
            pod.Containers[0].VolumeMounts.Add(new() { Name = name, MountPath = folder });
        }
    }
}
