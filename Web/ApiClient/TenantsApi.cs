namespace InferenceTemplate.Web.ApiClient;

/// <summary>Who shares the platform, and how much of it each may have: <c>/v1/tenants</c>.</summary>
internal sealed class TenantsApi(ApiTransport transport)
{
    public Task<ApiResult<TenantPage>> ListAsync(string accessToken, string? after, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/tenants", ("after", after), ("limit", "100")), accessToken, ApiJson.Default.TenantPage, cancellationToken);

    public Task<ApiResult<TenantDetails>> GetAsync(string accessToken, string id, CancellationToken cancellationToken) =>
        transport.GetAsync(Path(id), accessToken, ApiJson.Default.TenantDetails, cancellationToken);

    public Task<ApiResult<TenantDetails>> CreateAsync(string accessToken, NewTenant tenant, CancellationToken cancellationToken) =>
        transport.SendAsync(
            HttpMethod.Post, "/v1/tenants", accessToken, ApiJson.Default.TenantDetails, cancellationToken,
            content: JsonContent.Create(tenant, ApiJson.Default.NewTenant));

    /// <summary>Sets the limits of the forms; what else is decided of the tenant stays.</summary>
    public Task<ApiResult<TenantDetails>> LimitAsync(
        string accessToken, string id, TenantLimits limits, CancellationToken cancellationToken) =>
        transport.SendAsync(
            HttpMethod.Patch, Path(id), accessToken, ApiJson.Default.TenantDetails, cancellationToken,
            content: JsonContent.Create(limits, ApiJson.Default.TenantLimits));

    /// <param name="suspended">False to accept it again.</param>
    public Task<ApiResult<Done>> SuspendAsync(string accessToken, string id, bool suspended, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Post, $"{Path(id)}/{(suspended ? "suspend" : "resume")}", accessToken, cancellationToken);

    private static string Path(string id) => $"/v1/tenants/{Uri.EscapeDataString(id)}";
}

/// <param name="Next">For the tenants after these; null where there are none.</param>
public sealed record TenantPage(IReadOnlyList<TenantDetails> Tenants, string? Next);

/// <summary>A tenant, <c>active</c> or <c>suspended</c>. A limit that is null is the platform's; 0 is none.</summary>
public sealed record TenantDetails(
    string Id, string Name, string State, DateTimeOffset CreatedAt, int? RequestsPerMinute, int? Burst, int? MaxConcurrency,
    long? MonthlyInferences, decimal? MonthlyBudget, long? MonthlyTokens, TenantEffective Effective, IReadOnlyList<string>? Models = null);

/// <summary>The limits that hold; 0 is none.</summary>
public sealed record TenantEffective(
    int RequestsPerMinute, int Burst, int MaxConcurrency, long MonthlyInferences, decimal MonthlyBudget, long MonthlyTokens);

public sealed record NewTenant(string Id, string Name);

/// <summary>Null for the platform's, 0 for none. As entered: what is too large or no whole number, the Api says.</summary>
public sealed record TenantLimits(
    decimal? RequestsPerMinute, decimal? Burst, decimal? MaxConcurrency, decimal? MonthlyInferences, decimal? MonthlyBudget,
    decimal? MonthlyTokens);
