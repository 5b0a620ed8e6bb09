using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Publishing;

public sealed partial class ManifestPublishingContext
{
    // The first port that a manifest gives to endpoints whose containers must be told one.
    private int _nextPort = 8000;
    private readonly HashSet<int> _usedPorts = [];

    private void WriteBindings(IResource resource)
    {
        var endpoints = resource.Annotations.OfType<EndpointAnnotation>().ToList();
        if (endpoints.Count == 0) return;

        Writer.WriteStartObject("bindings");
        foreach (var endpoint in endpoints)
        {
            var (port, targetPort) = (endpoint.Port, TargetPort(resource, endpoint));
            _usedPorts.UnionWith(new[] { port, targetPort }.OfType<int>());
            Writer.WriteStartObject(endpoint.Name);
            Writer.WriteString("scheme", endpoint.UriScheme);
            Writer.WriteString("protocol", endpoint.Protocol.ToString().ToLowerInvariant());
            Writer.WriteString("transport", endpoint.Transport);
            if (port is not null && port != targetPort)
                Writer.WriteNumber("port", port.Value);

            if (targetPort is not null)
                Writer.WriteNumber("targetPort", targetPort.Value);

            if (endpoint.IsExternal)
                Writer.WriteBoolean("external", true);

            Writer.WriteEndObject();
        }

        Writer.WriteEndObject();
    }

    /// <summary>A project's default http and https endpoints get their ports where it is deployed; all others must have one.</summary>
    private int? TargetPort(IResource resource, EndpointAnnotation endpoint)
    {
        if (endpoint.TargetPort is { } target) return target;

        if (resource is ProjectResource && IsFirstOfScheme(resource, endpoint)) return null;

        return resource is ContainerResource && endpoint.Port is { } port ? port : NextPort();
    }

    private int NextPort()
    {
        while (!_usedPorts.Add(_nextPort))
        {
            _nextPort++;
        }

        return _nextPort;
    }

    private static bool IsFirstOfScheme(IResource resource, EndpointAnnotation endpoint) =>
        endpoint.UriScheme is "http" or "https"
        && resource.Annotations.OfType<EndpointAnnotation>().First(e => e.UriScheme == endpoint.UriScheme) == endpoint;
}
