using System.Security.Cryptography;
using System.Text;
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

    public ValueTask DisposeAsync() => _database.DisposeAsync();
}
