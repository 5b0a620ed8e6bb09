using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Api;

/// <summary><c>Api --migrate</c>, as a pipeline runs it before it updates the services.</summary>
public sealed class MigrateTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Missing_database_gets_the_whole_schema_and_a_second_run_changes_nothing()
    {
        await using var server = await platform.DatabaseAsync();
        var name = $"migrate_{Guid.NewGuid():N}";
        var expected = await AppliedAsync(server);
        var connection = new NpgsqlConnectionStringBuilder((await platform.App.GetConnectionStringAsync("inference", Cancellation))!)
        {
            Database = name,
        };
        await using var database = NpgsqlDataSource.Create(connection.ConnectionString);
        for (var run = 0; run < 2; run++)
        {
            var (exitCode, output, error) = await MigrateAsync(connection.ConnectionString);

            Assert.True(exitCode == 0, output + error);
            Assert.Equal(expected, await AppliedAsync(database));
        }
    }

    [Fact]
    public async Task Database_that_is_away_is_an_error()
    {
        var (exitCode, _, error) = await MigrateAsync(
            "Host=127.0.0.1;Port=1;Username=nobody;Database=none;Timeout=2", ("Startup__MigrateWithin", "00:00:02"));

        Assert.Equal(1, exitCode);
        Assert.Contains("could not be brought up to date within 00:00:02 (Startup:MigrateWithin)", error, StringComparison.Ordinal);
    }

    private static Task<(int ExitCode, string Output, string Error)> MigrateAsync(string connection, params (string, string)[] more) =>
        ApiProcess.RunAsync(
        ["--migrate"],
        [
            ("ASPNETCORE_ENVIRONMENT", "Development"),
            ("ConnectionStrings__inference", connection),
            ("ConnectionStrings__redis", "127.0.0.1:1,abortConnect=false"),
            .. more,
        ],
        Cancellation);

    private static async Task<List<string>> AppliedAsync(NpgsqlDataSource database)
    {
        var applied = new List<string>();
        await using var command = database.CreateCommand("""SELECT "MigrationId" FROM "__EFMigrationsHistory" ORDER BY 1""");
        await using var rows = await command.ExecuteReaderAsync(Cancellation);
        while (await rows.ReadAsync(Cancellation))
        {
            applied.Add(rows.GetString(0));
        }

        return applied;
    }
}
