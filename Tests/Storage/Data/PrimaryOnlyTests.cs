using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Storage;

public sealed class PrimaryOnlyTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_that_takes_no_writes_is_away_and_no_connection_to_it_is_kept()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var builder = new NpgsqlDataSourceBuilder(own.ConnectionString);
        builder.RequirePrimary();
        await using var database = builder.Build();

        await SetAsync(own, "on");
        var refused = await Assert.ThrowsAnyAsync<NpgsqlException>(async () => await database.OpenConnectionAsync(Cancellation));
        Assert.Contains("takes no writes", refused.Message, StringComparison.Ordinal);
        Assert.True(Outages.IsDatabaseAway(refused));
        Assert.ThrowsAny<NpgsqlException>(() => database.OpenConnection());

        await SetAsync(own, "off");
        await using var connection = await database.OpenConnectionAsync(Cancellation);
    }

    // By another database, which takes writes.
    private async Task SetAsync(OwnDatabase own, string readOnly)
    {
        await using var connection = new NpgsqlConnection(servers.ConnectionString);
        await connection.OpenAsync(Cancellation);
        await using var set = connection.CreateCommand();
        set.CommandText = $"ALTER DATABASE {own.Name} SET default_transaction_read_only = {readOnly}";
        await set.ExecuteNonQueryAsync(Cancellation);
    }
}
