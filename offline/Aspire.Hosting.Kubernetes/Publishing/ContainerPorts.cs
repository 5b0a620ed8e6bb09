using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Gives ports to endpoints that name none, from 8000 on, over all resources of a chart.</summary>
internal sealed class ContainerPorts
{
    private readonly HashSet<int> _used = [];
    private int _next = 8000;

    /// <summary>The ports of the container and of its Service; null for a project's default http or https endpoint.</summary>
    public (int Target, int Exposed)? Of(IResource resource, EndpointAnnotation endpoint)
    {
        int target;
        if (endpoint.TargetPort is { } named)
        {
            target = named;
        }
        else if (resource is ContainerResource && endpoint.Port is { } port)
        {
            target = port;
        }
        else if (resource is ProjectResource && IsDefault(resource, endpoint))
        {
            return null;
        }
        else
        {
            while (!_used.Add(_next))
            {
                _next++;
            }

            target = _next;
        }

        var exposed = endpoint.Port ?? target;
        _used.UnionWith([target, exposed]);
        return (target, exposed);
    }

    private static bool IsDefault(IResource resource, EndpointAnnotation endpoint) =>
        endpoint.UriScheme is "http" or "https"
        && resource.Annotations.OfType<EndpointAnnotation>().First(e => e.UriScheme == endpoint.UriScheme) == endpoint;
}
