namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>Sends a request to an endpoint of the service that its address names, and puts the address back for a retry.</summary>
internal sealed class ResolvingHandler(ConfiguredEndpoints endpoints) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var address = request.RequestUri;
        if (address is not null) request.RequestUri = endpoints.Resolve(address);
        try
        {
            return await base.SendAsync(request, cancellationToken);
        }
        finally
        {
            request.RequestUri = address;
        }
    }
}
