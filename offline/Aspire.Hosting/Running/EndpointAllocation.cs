using System.Globalization;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>The ports of one resource: those of its endpoints, and those that its processes listen on.</summary>
internal sealed partial class EndpointAllocation(IResource resource, bool randomize) : IAsyncDisposable
{
    private readonly List<EndpointProxy> _proxies = [];
    private readonly Dictionary<string, int>[] _targets =
        [.. Enumerable.Range(0, resource.GetReplicaCount()).Select(_ => new Dictionary<string, int>(StringComparer.Ordinal))];

    private readonly bool[] _over = new bool[resource.GetReplicaCount()];

    /// <summary>Gives every endpoint its port, and lets the proxies listen.</summary>
    public void Allocate()
    {
        var isServer = resource.HasAnnotationOfType<LocalServer>();
        foreach (var endpoint in resource.Annotations.OfType<EndpointAnnotation>())
        {
            // A container's target port is one inside the container.
            var proxied = endpoint.IsProxied && !isServer;
            if (_targets.Length > 1 && (!proxied || endpoint.TargetPort is not null))
            {
                throw new DistributedApplicationException(
                    $"The {_targets.Length} replicas of '{resource.Name}' cannot all listen on one port: give the endpoint '{endpoint.Name}' no targetPort, and leave it its proxy.");
            }

            var port = (randomize && endpoint.IsProxied ? null : endpoint.Port) ?? FreePorts.Next();
            for (var replica = 0; replica < _targets.Length; replica++)
            {
                _targets[replica][endpoint.Name] = !proxied ? port : endpoint.TargetPort ?? FreePorts.Next();
            }

            if (proxied)
            {
                Listen(endpoint, port);
            }
            else if (!FreePorts.IsFree(port))
            {
                throw Taken(endpoint, port, null);
            }

            endpoint.AllocatedEndpoint = new(endpoint, "localhost", port, $"{{{{- portFor \"{resource.Name}_{endpoint.Name}\" -}}}}");
        }
    }

    public int Target(int replica, string endpointName) => _targets[replica][endpointName];

    /// <summary>Puts a replica's own ports and names where the environment has a placeholder for them.</summary>
    public string Fill(string text, int replica, string instanceId) => text.Contains("{{-", StringComparison.Ordinal)
        ? Placeholder().Replace(text, m => m.Groups["key"].Value switch
        {
            "otel-service-instance-id" => instanceId,
            "otel-service-name" => resource.Name,
            var key => _targets[replica].TryGetValue(key[(key.LastIndexOf('_') + 1)..], out var port)
                ? port.ToString(CultureInfo.InvariantCulture)
                : m.Value,
        })
        : text;

    /// <summary>A replica has ended: its ports get no more connections.</summary>
    public void Over(int replica) => _over[replica] = true;

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies)
            await proxy.DisposeAsync();
    }

    [GeneratedRegex("""\{\{- (portFor|index \.Annotations) "(?<key>[^"]+)" -\}\}""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Placeholder();

    private void Listen(EndpointAnnotation endpoint, int port)
    {
        try
        {
            _proxies.Add(EndpointProxy.Listen(
                endpoint.TargetHost, port, () => [.. _targets.Where((_, i) => !_over[i]).Select(t => t[endpoint.Name])]));
        }
        catch (SocketException e)
        {
            throw Taken(endpoint, port, e);
        }
    }

    private DistributedApplicationException Taken(EndpointAnnotation endpoint, int port, Exception? cause)
    {
        var where = endpoint.FromLaunchProfile && resource is ProjectResource project
            ? $"change applicationUrl in {Path.Combine(Path.GetDirectoryName(project.GetProjectMetadata().ProjectPath)!, "Properties", "launchSettings.json")}"
            : "change the port of that endpoint in the AppHost";
        return new(
            $"Port {port} for the endpoint '{endpoint.Name}' of resource '{resource.Name}' is taken ({cause?.Message ?? "another process listens on it"}). Stop what uses it (ss -ltnp 'sport = :{port}'), or {where}.",
            cause!);
    }
}
