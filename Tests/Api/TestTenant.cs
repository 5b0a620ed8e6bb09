using System.Net;
using System.Security.Cryptography;
using System.Text;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>A tenant of one test, made by the API, and its keys.</summary>
internal sealed class TestTenant
{
    private readonly Platform _platform;

    private TestTenant(Platform platform, string id) => (_platform, Id) = (platform, id);

    public string Id { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="settings">Fields of the body besides the id, such as <c>"burst":3</c>.</param>
    public static async Task<TestTenant> CreateAsync(Platform platform, string settings = "")
    {
        var id = $"t-{Guid.NewGuid():N}"[..20];
        using var admin = platform.Admin();
        using var response = await admin.PostAsync(
            "/v1/tenants", Digits.Json($$"""{"id":"{{id}}"{{(settings.Length > 0 ? "," : "")}}{{settings}}}"""), Cancellation);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal($"/v1/tenants/{id}", response.Headers.Location!.OriginalString);
        return new TestTenant(platform, id);
    }

    public async Task<string> KeyAsync(string role = "user")
    {
        var prefix = $"k{Guid.NewGuid():N}"[..12];
        var key = $"{prefix}_secret";
        await _platform.ExecuteAsync(
            "INSERT INTO api_keys (id, prefix, hash, tenant_id, name, role, created_at) VALUES ($1, $2, $3, $4, 'test', $5, now())",
            Guid.NewGuid(), prefix, HMACSHA256.HashData(Encoding.UTF8.GetBytes(Platform.Pepper), Encoding.UTF8.GetBytes(key)), Id, role);
        return key;
    }

    /// <summary>A client with a new key of the tenant.</summary>
    public async Task<HttpClient> ClientAsync(string role = "user") => _platform.WithKey(await KeyAsync(role));

    /// <summary>Changes the tenant by the API.</summary>
    public async Task PatchAsync(string settings)
    {
        using var admin = _platform.Admin();
        using var response = await admin.PatchAsync($"/v1/tenants/{Id}", Digits.Json(settings), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }
}
