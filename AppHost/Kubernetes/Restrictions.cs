using Aspire.Hosting.Kubernetes.Resources;
using InferenceTemplate.AppHost.Kubernetes.Objects;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>
/// What a pod may not do: be root or become it, ask the kernel for privileges, talk to the cluster's API, write anywhere but to its
/// volumes and to <paramref name="Writable"/>. This meets the Pod Security Standard "restricted".
/// </summary>
/// <param name="User">The user of the image: 1654 is <c>app</c> of the .NET images, 999 what the Postgres and Redis images made for themselves.</param>
/// <param name="Writable">Folders that a pod starts with empty.</param>
internal sealed record Restriction(long User, params IReadOnlyList<string> Writable)
{
    private const int DefaultMebibytes = 256;

    /// <summary>Of each folder; a pod that writes more is evicted.</summary>
    public int Mebibytes { get; init; } = DefaultMebibytes;
}

internal static class Restrictions
{
    public static Restriction Service { get; } = new(1654, "/tmp");

    /// <summary>A worker keeps the files of models there.</summary>
    public static Restriction Worker(int mebibytes) => Service with { Mebibytes = mebibytes };

    public static Restriction Postgres { get; } = new(999, "/tmp", "/var/run/postgresql");

    public static Restriction Redis { get; } = new(999, "/tmp");

    public static IResourceBuilder<T> WithRestrictions<T>(this IResourceBuilder<T> builder, Restriction restriction)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
        {
            var pod = published.Workload!.PodTemplate.Spec;
            published.AdditionalResources.Add(new ServiceAccount(builder.Resource.Name));
            pod.ServiceAccountName = builder.Resource.Name;
            pod.AutomountServiceAccountToken = false;
            pod.EnableServiceLinks = false; // the variables that tell of every Service of the namespace
            pod.SecurityContext = new PodSecurityContextV1
            {
                RunAsNonRoot = true,
                RunAsUser = restriction.User,
                RunAsGroup = restriction.User,
                FsGroup = restriction.User, // so that the user may write to its volumes
                FsGroupChangePolicy = "OnRootMismatch",
                SeccompProfile = new SeccompProfileV1 { Type = "RuntimeDefault" },
            };
            foreach (var container in pod.Containers)
            {
                container.SecurityContext = new SecurityContextV1
                {
                    AllowPrivilegeEscalation = false,
                    ReadOnlyRootFilesystem = true,
                    RunAsNonRoot = true,
                    Capabilities = new CapabilitiesV1(),
                };
                container.SecurityContext.Capabilities.Drop.Add("ALL");
            }

            foreach (var folder in restriction.Writable)
            {
                var name = folder.Trim('/').Replace('/', '-');
                pod.Volumes.Add(new VolumeV1 { Name = name, EmptyDir = new EmptyDirVolumeSourceV1 { SizeLimit = $"{restriction.Mebibytes}Mi" } });
                pod.Containers[0].VolumeMounts.Add(new VolumeMountV1 { Name = name, MountPath = folder });
            }
        });
}
