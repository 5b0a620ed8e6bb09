using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Configuration;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>
/// The endpoints that configuration gives for a service, in turn. <c>https+http://api</c> prefers https and takes http where there is
/// no https; <c>http://_metrics.api</c> means the endpoint named metrics. A name without configuration passes through: DNS knows it.
/// </summary>
internal sealed class ConfiguredEndpoints(IConfiguration configuration)
{
    private readonly ConcurrentDictionary<string, StrongBox<uint>> _turns = new(StringComparer.OrdinalIgnoreCase);

    public Uri Resolve(Uri address)
    {
        var schemes = address.Scheme.Split('+');
        var (service, endpoint) = Parse(address.Host);
        var section = configuration.GetSection("Services").GetSection(service);

        string[] names = endpoint is null ? ["default", .. schemes] : [endpoint];
        var named = names.Select(section.GetSection).FirstOrDefault(candidate => candidate.Exists());
        var values = named is null ? []
            : named.Value is { Length: > 0 } single ? [single]
            : named.GetChildren().Select(child => child.Value ?? "").ToArray();

        var uris = values.Select(value => Parse(named!.Path, value, schemes[0])).ToList();
        var scheme = schemes.FirstOrDefault(candidate => uris.Exists(uri => uri.Scheme == candidate));
        var usable = uris.FindAll(uri => uri.Scheme == scheme);

        if (usable.Count == 0) return new UriBuilder(address) { Scheme = schemes[0], Host = service, Port = address.Port }.Uri;

        var turn = Interlocked.Increment(ref _turns.GetOrAdd(named!.Path, _ => new StrongBox<uint>()).Value);
        return Combine(usable[(int)(turn % (uint)usable.Count)], address);
    }

    private static (string Service, string? Endpoint) Parse(string host)
    {
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return host.StartsWith('_') && dot > 1 ? (host[(dot + 1)..], host[1..dot]) : (host, null);
    }

    private static Uri Parse(string key, string value, string scheme) =>
        Uri.TryCreate(value.Contains("://", StringComparison.Ordinal) ? value : $"{scheme}://{value}", UriKind.Absolute, out var uri)
            ? uri
            : throw new InvalidOperationException($"'{value}' of the configuration section {key} is not the address of an endpoint.");

    private static Uri Combine(Uri endpoint, Uri address)
    {
        var path = endpoint.AbsolutePath.TrimEnd('/') + address.AbsolutePath;
        return new UriBuilder(address) { Scheme = endpoint.Scheme, Host = endpoint.Host, Port = endpoint.Port, Path = path }.Uri;
    }
}
