using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>A resource that receives environment variables.</summary>
    public interface IResourceWithEnvironment : IResource;

    /// <summary>A resource that receives command line arguments.</summary>
    public interface IResourceWithArgs : IResource;

    /// <summary>A resource that others reach over the network.</summary>
    public interface IResourceWithEndpoints : IResource;

    /// <summary>A resource whose start can wait for others.</summary>
    public interface IResourceWithWaitSupport : IResource;

    /// <summary>A resource that runs somewhere: a container, a project.</summary>
    public interface IComputeResource : IResource;

    /// <summary>A resource that can carry startup, readiness and liveness probes.</summary>
    [Experimental("ASPIREPROBES001", UrlFormat = "https://aka.ms/aspire/diagnostics/{0}")]
    public interface IResourceWithProbes : IResource;

    /// <summary>A resource that lives in another, as a database in a server.</summary>
    public interface IResourceWithParent : IResource
    {
        IResource Parent { get; }
    }

    /// <summary>A resource that lives in another of a known type.</summary>
    public interface IResourceWithParent<out T> : IResourceWithParent
        where T : IResource
    {
        new T Parent { get; }

        IResource IResourceWithParent.Parent => Parent;
    }

    /// <summary>A resource that clients reach by a connection string.</summary>
    public interface IResourceWithConnectionString : IResource, IExpressionValue, IValueWithReferences
    {
        ReferenceExpression ConnectionStringExpression { get; }

        string? ConnectionStringEnvironmentVariable => null;

        string IManifestExpressionProvider.ValueExpression => $"{{{Name}.connectionString}}";

        IEnumerable<object> IValueWithReferences.References => [ConnectionStringExpression];

        ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
            ConnectionStringExpression.GetValueAsync(cancellationToken);

        IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties() => [];

        ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => GetConnectionStringAsync(cancellationToken);
    }
}

namespace Aspire.Hosting
{
    /// <summary>A resource whose endpoints others find by its name.</summary>
    public interface IResourceWithServiceDiscovery : ApplicationModel.IResourceWithEndpoints;
}
