using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Makes the objects of a resource.</summary>
internal static class ObjectFactory
{
    public static KubernetesResource Create(PublishedResource published)
    {
        var name = published.Resource.Name;
        var result = new KubernetesResource(name, published.Resource, published.Environment);
        result.Workload = Workload(published, result);
        if (published.Config.Count > 0)
        {
            result.ConfigMap = new() { Metadata = Metadata(result, "config") };
            Fill(result.ConfigMap.Data, published.Config);
        }

        if (published.Secrets.Count > 0)
        {
            result.Secret = new() { Metadata = Metadata(result, "secrets") };
            Fill(result.Secret.StringData, published.Secrets);
        }

        if (published.Endpoints.Count > 0)
        {
            result.Service = new() { Metadata = Metadata(result, "service") };
            result.Service.Spec.Type = published.Environment.DefaultServiceType;
            result.Service.Spec.Selector = result.Labels;
            result.Service.Spec.Ports.AddRange(DistinctPorts(published).Select(endpoint => new ServicePortV1
            {
                Name = endpoint.Name,
                Protocol = endpoint.Protocol,
                Port = new((endpoint.ServicePort ?? endpoint.Port).Scalar),
                TargetPort = new(endpoint.Port.Scalar),
            }));
        }

        return result;
    }

    private static Workload Workload(PublishedResource published, KubernetesResource result)
    {
        var template = new PodTemplateSpecV1 { Metadata = { Labels = result.Labels } };
        template.Spec.Containers.Add(Container(published));
        template.Spec.Volumes.AddRange(published.Volumes.Select(volume => Volume(volume, published, result)));
        var replicas = published.Resource.GetReplicaCount();

        // What has a connection string has data.
        return published.Resource is IResourceWithConnectionString
            ? new StatefulSet
            {
                Metadata = Metadata(result, "statefulset"),
                Spec = { Selector = new(result.Labels), Replicas = replicas, Template = template },
            }
            : new Deployment
            {
                Metadata = Metadata(result, "deployment"),
                Spec =
                {
                    Selector = new(result.Labels),
                    Replicas = replicas,
                    Template = template,
                    Strategy = { RollingUpdate = { MaxSurge = 1, MaxUnavailable = 1 } },
                },
            };
    }

    private static ContainerV1 Container(PublishedResource published)
    {
        var name = published.Resource.Name;
        var container = new ContainerV1 { Name = name, Image = published.Image(), ImagePullPolicy = published.Environment.DefaultImagePullPolicy };
        if (published.Resource is ContainerResource { Entrypoint: { } entrypoint })
        {
            container.Command.Add(entrypoint);
        }

        container.Args.AddRange(published.Arguments);
        if (published.Config.Count > 0)
        {
            container.EnvFrom.Add(new() { ConfigMapRef = new() { Name = Name(name, "config") } });
        }

        if (published.Secrets.Count > 0)
        {
            container.EnvFrom.Add(new() { SecretRef = new() { Name = Name(name, "secrets") } });
        }

        container.Ports.AddRange(DistinctPorts(published).Select(endpoint => new ContainerPortV1
        {
            Name = endpoint.Name,
            Protocol = endpoint.Protocol,
            ContainerPort = new(endpoint.Port.Scalar),
        }));
        container.VolumeMounts.AddRange(published.Volumes.Select(volume => new VolumeMountV1
        {
            Name = volume.Source!,
            MountPath = volume.Target,
            ReadOnly = volume.IsReadOnly ? true : null,
        }));
#pragma warning disable ASPIREPROBES001
        foreach (var (type, probe) in published.Probes())
        {
            _ = type switch
            {
                ProbeType.Startup => container.StartupProbe = probe,
                ProbeType.Readiness => container.ReadinessProbe = probe,
                _ => container.LivenessProbe = probe,
            };
        }
#pragma warning restore ASPIREPROBES001

        return container;
    }

    private static VolumeV1 Volume(ContainerMountAnnotation mount, PublishedResource published, KubernetesResource result)
    {
        var environment = published.Environment;
        var volume = new VolumeV1 { Name = mount.Source ?? throw new DistributedApplicationException("Volume source and target must be set") };
        switch (environment.DefaultStorageType.ToUpperInvariant())
        {
            case "EMPTYDIR":
                volume.EmptyDir = new();
                break;
            case "HOSTPATH":
                volume.HostPath = new() { Path = mount.Target, Type = "Directory" };
                break;
            case "PVC":
                var claim = new PersistentVolumeClaim { Metadata = Metadata(result, $"{volume.Name}-pvc") };
                claim.Spec.AccessModes.Add(environment.DefaultStorageReadWritePolicy);
                claim.Spec.Resources.Requests["storage"] = environment.DefaultStorageSize;
                claim.Spec.StorageClassName = environment.DefaultStorageClassName!;
                result.Claims.Add(claim);
                volume.PersistentVolumeClaim = new() { ClaimName = claim.Metadata.Name };
                break;
            default:
                throw new DistributedApplicationException($"Unsupported storage type: {environment.DefaultStorageType}");
        }

        return volume;
    }

    // Two endpoints on one port, such as http and the https that has none of its own, are one port.
    private static IEnumerable<PublishedEndpoint> DistinctPorts(PublishedResource published) =>
        published.Endpoints.Values.DistinctBy(endpoint => (endpoint.Port.Value, endpoint.Protocol));

    private static void Fill(Dictionary<string, string> entries, Dictionary<string, HelmValue> values)
    {
        foreach (var (key, value) in values)
        {
            entries[key] = HelmText.AsString(value.IsTemplate ? (string)value.Value! : value.Expression ?? string.Empty);
        }
    }

    private static ObjectMetaV1 Metadata(KubernetesResource resource, string suffix) =>
        new() { Name = Name(resource.Name, suffix), Labels = resource.Labels };

    private static string Name(string resource, string suffix) => $"{resource.ToLowerInvariant()}-{suffix}";
}
