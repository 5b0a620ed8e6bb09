using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>
/// The platform behind PgBouncer in transaction mode, where each transaction may get another session: a lock, a setting or a prepared
/// statement of a session would be somebody else's.
/// </summary>
[Trait("Tier", "Nightly")]
public sealed class PgBouncerTests : IAsyncLifetime
{
    private const string Password = "five-calm-herons-sleep-beside-the-weir";

    private const int Sessions = 12;

    private readonly OwnServer _postgres = new();
    private readonly OwnServer _pgBouncer = new();
    private readonly OwnServer _redis = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _postgres.StartPostgresAsync(Password);
        await _redis.StartRedisAsync(Password, "--port", $"{_redis.Port}");
    }

    [Fact]
    public async Task Platform_serves_calls_jobs_and_batches_by_sessions_that_change_with_each_transaction()
    {
        await _pgBouncer.StartPgBouncerAsync(_postgres.Port, Password, Sessions);
        var settings = Settings("No Reset On Close=true");
        await using var services = await OwnServices.StartAsync(settings);
        await using var other = await ApiProcess.StartAsync(settings, Cancellation);

        for (var round = 0; round < 5; round++)
        {
            await services.ServeAsync();
        }

        await using var database = NpgsqlDataSource.Create(Connection(_postgres));
        await using var sessions = database.CreateCommand(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()");
        Assert.InRange((long)(await sessions.ExecuteScalarAsync(Cancellation))!, 1, Sessions);

        // Written by COPY, a while after the answers.
        await using var records = database.CreateCommand("SELECT count(*) FROM predictions");
        await Wait.UntilAsync(async () => (long)(await records.ExecuteScalarAsync(Cancellation))! >= 5);
    }

    [Fact]
    public async Task More_replicas_than_there_are_sessions_migrate_at_once()
    {
        await _pgBouncer.StartPgBouncerAsync(_postgres.Port, Password, sessions: 2);

        var runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ApiProcess.RunAsync(
            ["--migrate"], [.. Settings(), ("Startup__MigrateWithin", "00:01:00")], Cancellation)));

        Assert.All(runs, run => Assert.True(run.ExitCode == 0, run.Output + run.Error));
    }

    private static string Connection(OwnServer server) =>
        $"Host=127.0.0.1;Port={server.Port};Username=postgres;Password={Password};Database=postgres";

    private (string Key, string Value)[] Settings(string more = "") =>
        OwnServices.Settings($"{Connection(_pgBouncer)};{more}", $"127.0.0.1:{_redis.Port},password={Password}");

    public async ValueTask DisposeAsync()
    {
        await _redis.DisposeAsync();
        await _pgBouncer.DisposeAsync();
        await _postgres.DisposeAsync();
    }
}
