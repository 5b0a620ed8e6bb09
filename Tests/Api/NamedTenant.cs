using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Api;

/// <summary>A tenant of a test's own, put where the Api looks for it.</summary>
internal sealed class NamedTenant : IAsyncDisposable
{
    private readonly NpgsqlDataSource _database;
    private readonly TestKeys _keys;

    private NamedTenant(NpgsqlDataSource database, TestKeys keys) => (_database, _keys) = (database, keys);

    public string Id { get; } = $"t{Guid.NewGuid():N}"[..16];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<NamedTenant> CreateAsync(Platform platform)
    {
        var tenant = new NamedTenant(await platform.DatabaseAsync(), await TestKeys.OpenAsync(platform));
        await tenant.ExecuteAsync("INSERT INTO tenants (id, name, created_at, requests_per_minute) VALUES ($1, 'Ann''s', now(), 0)");
        return tenant;
    }

    /// <summary>A key of the tenant, named <c>Ann's key</c>.</summary>
    public async Task<string> KeyAsync(string role)
    {
        var key = await _keys.CreateAsync(role);
        await ExecuteAsync(
            "UPDATE api_keys SET tenant_id = $1, name = 'Ann''s key' WHERE prefix = $2", key[..key.IndexOf('_', StringComparison.Ordinal)]);
        return key;
    }

    /// <summary>Runs a statement; <c>$1</c> is the tenant's id.</summary>
    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using var command = Command(sql, values);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    public async Task<long> CountAsync(string table)
    {
        await using var command = Command($"SELECT count(*) FROM {table} WHERE tenant_id = $1", []);
        return (long)(await command.ExecuteScalarAsync(Cancellation))!;
    }

    public async ValueTask DisposeAsync()
    {
        await _keys.DisposeAsync();
        await _database.DisposeAsync();
    }

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = _database.CreateCommand(sql);
        foreach (var value in (object[])[Id, .. values])
        {
            command.Parameters.AddWithValue(value);
        }

        return command;
    }
}
