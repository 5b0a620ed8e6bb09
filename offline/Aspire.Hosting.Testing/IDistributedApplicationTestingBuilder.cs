namespace Aspire.Hosting.Testing;

/// <summary>An application under test, as its AppHost described it; to be changed before it is built.</summary>
public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable, IDisposable
{
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}
