using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Api;

/// <summary>Keys of other roles, put where the Api looks for them.</summary>
internal sealed class TestKeys : IAsyncDisposable
{
    private readonly NpgsqlDataSource _database;

    private TestKeys(NpgsqlDataSource database) => _database = database;

    public static async Task<TestKeys> OpenAsync(Platform platform) => new(await platform.DatabaseAsync());

    public async Task<string> CreateAsync(string role, DateTimeOffset? expiresAt = null)
    {
        var prefix = $"t{Guid.NewGuid():N}"[..12];
        var key = $"{prefix}_secret";
        await using var command = _database.CreateCommand(
            "INSERT INTO api_keys (id, prefix, hash, tenant_id, name, role, created_at, expires_at) VALUES ($1, $2, $3, 'default', 'test', $4, now(), $5)");
        command.Parameters.AddWithValue(Guid.NewGuid());
        command.Parameters.AddWithValue(prefix);
        command.Parameters.AddWithValue(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Platform.Pepper), Encoding.UTF8.GetBytes(key)));
        command.Parameters.AddWithValue(role);
        command.Parameters.AddWithValue(expiresAt is null ? DBNull.Value : expiresAt.Value);
        await command.ExecuteNonQueryAsync();
        return key;
    }

    public async Task RevokeAsync(string key)
    {
        await using var command = _database.CreateCommand("UPDATE api_keys SET revoked_at = now() WHERE prefix = $1");
        command.Parameters.AddWithValue(key[..key.IndexOf('_', StringComparison.Ordinal)]);
        await command.ExecuteNonQueryAsync();
    }

    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = _database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.AddWithValue(value);
        }

        await command.ExecuteNonQueryAsync();
    }

    /// <returns>The id of a tenant of the test's own.</returns>
    /// <param name="models">Those that it may use; null for all.</param>
    public async Task<string> AddTenantAsync(string[]? models = null)
    {
        var tenant = $"t{Guid.NewGuid():N}";
        await ExecuteAsync(
            "INSERT INTO tenants (id, name, created_at, models) VALUES ($1, 'Test', now(), $2)", tenant, (object?)models ?? DBNull.Value);
        return tenant;
    }

    /// <summary>A claim of a token, without asking whether the token is good.</summary>
    public static string ClaimOf(string token, string claim) =>
        JsonElement.Parse(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token.Split('.')[1]))).GetProperty(claim).GetString()!;

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}

/// <summary>Keys made by the API itself.</summary>
internal static class KeyCalls
{
    /// <returns>The answer, and the key.</returns>
    public static async Task<(JsonElement Answer, string Key)> CreateKeyAsync(
        this HttpClient admin, string role, string tenant = "default", string[]? models = null, DateTimeOffset? expiresAt = null)
    {
        using var response = await admin.PostAsJsonAsync(
            "/v1/keys", new { name = "test", role, tenant, models, expires_at = expiresAt }, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        var answer = await response.JsonAsync();
        return (answer, answer.GetProperty("key").GetString()!);
    }

    /// <summary>
    /// Calls until the credentials are no longer accepted, and returns the answer that says so. Lookups are remembered for a second.
    /// </summary>
    public static async Task<HttpResponseMessage> UntilRefusedAsync(HttpClient client, string path)
    {
        var wait = Wait.For("the credentials to be refused");
        while (true)
        {
            var response = await client.GetAsync(path, TestContext.Current.CancellationToken);
            if (response.StatusCode == HttpStatusCode.Unauthorized)
            {
                return response;
            }

            response.Dispose();
            await wait.PauseAsync();
        }
    }
}
