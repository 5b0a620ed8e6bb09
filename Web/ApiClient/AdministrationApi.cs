using System.Globalization;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>Keys, use and the audit chain: what those who run the platform look after.</summary>
internal sealed class AdministrationApi(ApiTransport transport)
{
    public Task<ApiResult<KeyPage>> ListKeysAsync(string accessToken, string? cursor, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/keys", ("cursor", cursor), ("limit", "200")),
            accessToken, ApiJson.Default.KeyPage, cancellationToken);

    public Task<ApiResult<ApiKey>> GetKeyAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.GetAsync($"/v1/keys/{id}", accessToken, ApiJson.Default.ApiKey, cancellationToken);

    /// <summary>Makes a key; only this answer has its secret.</summary>
    public Task<ApiResult<ApiKey>> CreateKeyAsync(string accessToken, NewKey key, CancellationToken cancellationToken) =>
        transport.SendAsync(
            HttpMethod.Post, "/v1/keys", accessToken, ApiJson.Default.ApiKey, cancellationToken,
            content: JsonContent.Create(key, ApiJson.Default.NewKey));

    /// <summary>Makes a key in place of another, which goes on for the overlap; only this answer has its secret.</summary>
    public Task<ApiResult<ApiKey>> RotateKeyAsync(string accessToken, Guid id, TimeSpan overlap, CancellationToken cancellationToken) =>
        transport.SendAsync(
            HttpMethod.Post, $"/v1/keys/{id}/rotate", accessToken, ApiJson.Default.ApiKey, cancellationToken,
            content: JsonContent.Create(new KeyRotation(overlap), ApiJson.Default.KeyRotation));

    public Task<ApiResult<Done>> RevokeKeyAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Post, $"/v1/keys/{id}/revoke", accessToken, cancellationToken);

    /// <summary>The settings in effect, and the builds that run.</summary>
    public Task<ApiResult<EffectiveSettings>> GetSettingsAsync(string accessToken, CancellationToken cancellationToken) =>
        transport.GetAsync("/v1/settings", accessToken, ApiJson.Default.EffectiveSettings, cancellationToken);

    /// <summary>The month so far.</summary>
    /// <param name="tenant"><c>all</c>, which only an admin may ask for; null for the own one.</param>
    public Task<ApiResult<Usage>> GetUsageAsync(string accessToken, string group, string? tenant, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/usage", ("group", group), ("tenant", tenant)),
            accessToken, ApiJson.Default.Usage, cancellationToken);

    /// <summary>The last whole hour: use is summed by hours.</summary>
    public Task<ApiResult<Usage>> GetLastHourAsync(
        string accessToken, DateTimeOffset now, string? tenant, CancellationToken cancellationToken)
    {
        var end = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);
        static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        return transport.GetAsync(
            Query.Of("/v1/usage", ("from", Text(end.AddHours(-1))), ("to", Text(end)), ("group", "model"), ("tenant", tenant)),
            accessToken, ApiJson.Default.Usage, cancellationToken);
    }

    /// <summary>The own tenant: what it may.</summary>
    public Task<ApiResult<OwnTenant>> GetOwnTenantAsync(string accessToken, CancellationToken cancellationToken) =>
        transport.GetAsync("/v1/tenants/me", accessToken, ApiJson.Default.OwnTenant, cancellationToken);

    /// <summary>A month's statement as CSV.</summary>
    public Task<ApiResult<string>> GetStatementAsync(string accessToken, string? tenant, CancellationToken cancellationToken) =>
        transport.ReadTextAsync(Query.Of("/v1/usage/statement", ("tenant", tenant)), accessToken, cancellationToken);

    public Task<ApiResult<AuditPage>> ListAuditAsync(
        string accessToken, AuditFilter filter, string? cursor, CancellationToken cancellationToken) =>
            transport.GetAsync(
                Query.Of(
                    "/v1/audit", ("Action", filter.Action), ("Actor", filter.Actor), ("Subject", filter.Subject), ("From", filter.From),
                    ("Cursor", cursor), ("Limit", "100")),
                accessToken, ApiJson.Default.AuditPage, cancellationToken);

    /// <summary>An entry by its number, alone on its page; the one before it where it is not there.</summary>
    public Task<ApiResult<AuditPage>> GetAuditEntryAsync(string accessToken, long sequence, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/audit", ("Cursor", (sequence + 1).ToString(CultureInfo.InvariantCulture)), ("Limit", "1")),
            accessToken, ApiJson.Default.AuditPage, cancellationToken);

    /// <summary>Goes through the whole chain.</summary>
    public Task<ApiResult<AuditVerification>> VerifyAuditAsync(string accessToken, CancellationToken cancellationToken) =>
        transport.SendAsync(
            HttpMethod.Post, "/v1/audit/verify", accessToken, ApiJson.Default.AuditVerification, cancellationToken,
            TimeSpan.FromMinutes(1));
}

public sealed record KeyPage(IReadOnlyList<ApiKey> Keys, string? NextCursor);

/// <summary>An API key. <paramref name="State"/> is <c>active</c>, <c>expired</c> or <c>revoked</c>.</summary>
/// <param name="Key">The whole key, in the answer to its creation only.</param>
/// <param name="Models">Those that it opens; null for all of the tenant's.</param>
public sealed record ApiKey(
    Guid Id, string Prefix, string Name, string Tenant,
    string Role, string State, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, string? Key = null,
    IReadOnlyList<string>? Models = null);

/// <param name="Tenant">The default one where null.</param>
/// <param name="Models">Those that it opens; null for all of the tenant's.</param>
public sealed record NewKey(string Name, string Role, string? Tenant, DateTimeOffset? ExpiresAt, IReadOnlyList<string>? Models = null);

/// <param name="Overlap">How long the old key goes on; nothing ends it at once.</param>
public sealed record KeyRotation(TimeSpan Overlap);

/// <summary>What <c>GET /v1/usage</c> answers.</summary>
public sealed record Usage(
    DateTimeOffset From, DateTimeOffset To,
    string Currency, [property: JsonPropertyName("usage")] IReadOnlyList<UsageRow> Rows, UsageRow Total);

/// <param name="Start">Of the day, where days are told apart.</param>
public sealed record UsageRow(
    string? Tenant, string? Model, long Requests, long Failures,
    long Cached, long Jobs, decimal DeviceSeconds, decimal Cost,
    long PromptTokens, long CompletionTokens, DateTimeOffset? Start = null);

/// <summary>What <c>GET /v1/tenants/me</c> answers, as far as it is shown.</summary>
public sealed record OwnTenant(string Id, TenantEffective Limits);

/// <param name="Action">The beginning of one.</param>
/// <param name="From">The oldest time; null for all.</param>
public sealed record AuditFilter(string? Action, string? Actor, string? Subject, string? From);

public sealed record AuditPage(IReadOnlyList<AuditEntry> Entries, string? NextCursor);

/// <param name="Actor">Null where it was forgotten with its tenant.</param>
public sealed record AuditEntry(
    long Sequence, DateTimeOffset At, string Action, string? Actor,
    string? Tenant, string? Subject, IReadOnlyDictionary<string, string>? Details, string Hash);

public sealed record AuditVerification(bool Valid, long Entries, AuditFault? FirstInvalid);

public sealed record AuditFault(long Sequence, string Reason);
