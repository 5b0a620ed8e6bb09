using System.Globalization;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A reference to an endpoint, which may be described later than the reference.</summary>
public sealed class EndpointReference(IResourceWithEndpoints owner, string endpointName) : IExpressionValue, IValueWithReferences
{
    public IResourceWithEndpoints Resource { get; } = owner;
    public string EndpointName { get; } = endpointName;

    public EndpointAnnotation EndpointAnnotation => Find()
        ?? throw new InvalidOperationException($"The endpoint '{EndpointName}' does not exist on the resource '{Resource.Name}'.");

    public bool Exists => Find() is not null;
    public bool IsAllocated => Find()?.AllocatedEndpoint is not null;
    public bool IsHttp => Scheme == "http";
    public bool IsHttps => Scheme == "https";
    public bool ExcludeReferenceEndpoint => EndpointAnnotation.ExcludeReferenceEndpoint;
    public bool TlsEnabled => EndpointAnnotation.TlsEnabled;
    public string Scheme => EndpointAnnotation.UriScheme;
    public int? TargetPort => EndpointAnnotation.TargetPort;
    public string Host => Allocated.Address;
    public int Port => Allocated.Port;
    public string Url => Allocated.UriString;
    string IManifestExpressionProvider.ValueExpression => Expression(EndpointProperty.Url);
    IEnumerable<object> IValueWithReferences.References => [Resource];

    internal AllocatedEndpoint Allocated => EndpointAnnotation.AllocatedEndpoint
        ?? throw new InvalidOperationException($"The endpoint '{EndpointName}' of the resource '{Resource.Name}' has no port yet: the application was not started.");

    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    public ReferenceExpression GetTlsValue(ReferenceExpression enabledValue, ReferenceExpression disabledValue) =>
        ReferenceExpression.CreateConditional(Property(EndpointProperty.TlsEnabled), bool.TrueString, enabledValue, disabledValue);

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => new(Url);

    internal string Expression(EndpointProperty property)
    {
        var binding = $"{Resource.Name}.bindings.{EndpointName}";
        return property switch
        {
            EndpointProperty.HostAndPort => $"{{{binding}.host}}:{{{binding}.port}}",
            EndpointProperty.IPV4Host => $"{{{binding}.host}}",
            _ => $"{{{binding}.{char.ToLowerInvariant(property.ToString()[0])}{property.ToString()[1..]}}}",
        };
    }

    private EndpointAnnotation? Find() => Resource.Annotations.OfType<EndpointAnnotation>()
        .FirstOrDefault(e => string.Equals(e.Name, EndpointName, StringComparison.OrdinalIgnoreCase));
}

/// <summary>One property of an endpoint, as a value or an expression.</summary>
public class EndpointReferenceExpression(EndpointReference endpointReference, EndpointProperty property)
    : IExpressionValue, IValueWithReferences
{
    public EndpointReference Endpoint { get; } = endpointReference;
    public EndpointProperty Property { get; } = property;
    public string ValueExpression => Endpoint.Expression(Property);
    IEnumerable<object> IValueWithReferences.References => [Endpoint];

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => new(Property switch
    {
        EndpointProperty.Scheme => Endpoint.Scheme,
        EndpointProperty.TlsEnabled => Endpoint.TlsEnabled.ToString(),
        EndpointProperty.IPV4Host => "127.0.0.1",
        EndpointProperty.Host => Endpoint.Host,
        EndpointProperty.Port => Endpoint.Port.ToString(CultureInfo.InvariantCulture),
        EndpointProperty.HostAndPort => Endpoint.Allocated.EndPointString,
        EndpointProperty.TargetPort => Endpoint.TargetPort?.ToString(CultureInfo.InvariantCulture) ?? Endpoint.Allocated.TargetPortExpression,
        _ => Endpoint.Url,
    });
}

/// <summary>What one may ask of an endpoint.</summary>
public enum EndpointProperty
{
    Url,
    Host,
    IPV4Host,
    Port,
    Scheme,
    TargetPort,
    HostAndPort,
    TlsEnabled,
}
