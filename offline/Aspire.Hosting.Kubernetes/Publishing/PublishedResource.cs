using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>An endpoint in the cluster: the port of the container, and that of the Service if it is another.</summary>
internal sealed record PublishedEndpoint(string Name, string Scheme, string Protocol, string Host, HelmValue Port, HelmValue? ServicePort)
{
    public string Of(EndpointProperty property, bool embedded)
    {
        var port = ServicePort ?? Port;
        return property switch
        {
            EndpointProperty.Url => $"{Scheme}://{Host}:{port.Text}",
            EndpointProperty.HostAndPort => $"{Host}:{port.Text}",
            EndpointProperty.Host or EndpointProperty.IPV4Host => Host,
            EndpointProperty.Scheme => Scheme,
            EndpointProperty.TargetPort => embedded ? Port.Text : Port.Scalar,
            EndpointProperty.Port => embedded ? port.Text : port.Scalar,
            _ => throw new DistributedApplicationException($"The property {property} of an endpoint is not known when a chart is written."),
        };
    }
}

/// <summary>What a resource comes to in a chart, before it is made into objects.</summary>
internal sealed class PublishedResource(IResource resource, KubernetesEnvironmentResource environment)
{
    public IResource Resource { get; } = resource;

    public KubernetesEnvironmentResource Environment { get; } = environment;

    public string ServiceName => $"{Resource.Name.ToLowerInvariant()}-service";

    public Dictionary<string, PublishedEndpoint> Endpoints { get; } = [];

    // The three sections of values.yaml.
    public Dictionary<string, HelmValue> Parameters { get; } = [];

    public Dictionary<string, HelmValue> Config { get; } = [];

    public Dictionary<string, HelmValue> Secrets { get; } = [];

    public List<string> Arguments { get; } = [];

    public IEnumerable<ContainerMountAnnotation> Volumes
    {
        get
        {
            var mounts = Resource.Annotations.OfType<ContainerMountAnnotation>().ToList();
            return mounts.Exists(m => m.Type == ContainerMountType.BindMount)
                ? throw new DistributedApplicationException("Bind mounts are not supported by the Kubernetes publisher")
                : mounts;
        }
    }

    /// <summary>The image: as it is named, or, for a project, a value of the chart.</summary>
    public string Image()
    {
        if (Resource is not ProjectResource && Resource.TryGetLastAnnotation<ContainerImageAnnotation>(out var image))
        {
            return $"{(image.Registry is null ? string.Empty : $"{image.Registry}/")}{image.Image}:{image.Tag}";
        }

        var key = $"{HelmText.Key(Resource.Name)}_image";
        return (Parameters[key] = new(HelmText.Expression("parameters", Resource.Name, key), $"{Resource.Name}:latest")).Scalar;
    }

    public void AddEndpoints(ContainerPorts ports)
    {
        foreach (var endpoint in Resource.Annotations.OfType<EndpointAnnotation>())
        {
            var (port, servicePort) = ports.Of(Resource, endpoint) is { } numbers
                ? (new HelmValue(null, numbers.Target), numbers.Exposed == numbers.Target ? null : new HelmValue(null, numbers.Exposed))
                : (DefaultPort(endpoint), null);
            Endpoints[endpoint.Name] = new(
                endpoint.Name, endpoint.UriScheme, endpoint.Protocol.ToString().ToUpperInvariant(), ServiceName, port, servicePort);
        }
    }

#pragma warning disable ASPIREPROBES001
    public IEnumerable<(ProbeType Type, ProbeV1 Probe)> Probes() => Resource.Annotations.OfType<EndpointProbeAnnotation>()
        .Where(annotation => Endpoints.ContainsKey(annotation.EndpointReference.EndpointName))
        .Select(annotation => (annotation.Type, new ProbeV1
        {
            FailureThreshold = annotation.FailureThreshold,
            SuccessThreshold = annotation.SuccessThreshold,
            InitialDelaySeconds = annotation.InitialDelaySeconds,
            PeriodSeconds = annotation.PeriodSeconds,
            TimeoutSeconds = annotation.TimeoutSeconds,
            HttpGet = new()
            {
                // In lower case, which a cluster refuses: so writes 13.5.2 (microsoft/aspire#18271).
                Scheme = Endpoints[annotation.EndpointReference.EndpointName].Scheme,
                Path = annotation.Path,
                Port = Endpoints[annotation.EndpointReference.EndpointName].Of(EndpointProperty.TargetPort, embedded: false),
            },
        }));
#pragma warning restore ASPIREPROBES001

    // The https endpoint that a launch profile stands for has no port of its own: no container has its certificate.
    private HelmValue DefaultPort(EndpointAnnotation endpoint)
    {
        if (endpoint.UriScheme == "https" && Endpoints.Values.FirstOrDefault(e => e.Scheme == "http") is { } http)
        {
            return http.Port;
        }

        var key = HelmText.Key($"port_{endpoint.Name}");
        return Parameters[key] = new(HelmText.Expression("parameters", Resource.Name, key), 8080);
    }
}
