namespace Aspire.Hosting.ApplicationModel;

/// <summary>Something that has a value once the application runs.</summary>
public interface IValueProvider
{
    ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default);
}

/// <summary>Something that stands in a manifest as an expression such as {redis.bindings.tcp.port}.</summary>
public interface IManifestExpressionProvider
{
    string ValueExpression { get; }
}

/// <summary>A value in run mode, an expression in publish mode.</summary>
public interface IExpressionValue : IValueProvider, IManifestExpressionProvider;

/// <summary>A value made of others.</summary>
public interface IValueWithReferences
{
    IEnumerable<object> References { get; }
}

/// <summary>A reference to the connection string of a resource.</summary>
public class ConnectionStringReference(IResourceWithConnectionString resource, bool optional) : IExpressionValue, IValueWithReferences
{
    public IResourceWithConnectionString Resource { get; } = resource;
    public bool Optional { get; } = optional;
    string IManifestExpressionProvider.ValueExpression => Resource.ValueExpression;
    IEnumerable<object> IValueWithReferences.References => [Resource];

    async ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken)
    {
        var value = await Resource.GetConnectionStringAsync(cancellationToken);
        return string.IsNullOrEmpty(value) && !Optional
            ? throw new DistributedApplicationException($"The connection string for the resource '{Resource.Name}' is not available.")
            : value;
    }
}
