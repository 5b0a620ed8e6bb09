using System.Globalization;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.Deploy.Scripts;

/// <summary>Recovery to a moment, with a real Postgres that archives its log.</summary>
public sealed class RecoverTests : IDisposable
{
    private const string Password = "nine-shy-wrens-nest-in-a-hollow-oak";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recover-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Base => Path.Combine(_folder.FullName, "base");

    [Fact]
    public async Task Database_is_brought_back_to_the_moment_before_a_mistake()
    {
        Assert.SkipUnless(Tool.Find("pg_basebackup") is not null, "pg_basebackup is missing (Debian: apt-get install postgresql-client)");
        await using var server = new OwnServer();
        var archive = Directory.CreateDirectory(server.File("archive")).FullName;
        await server.StartPostgresAsync(
            Password, "-c", "archive_mode=on", "-c",
            $"archive_command=test ! -f {archive}/%f && cp %p {archive}/%f.partial && mv {archive}/%f.partial {archive}/%f");
        await using var database = Open(server);
        await ExecuteAsync(database, "CREATE TABLE jobs AS SELECT i AS id FROM generate_series(1, 500) i");
        var copy = await Tool.RunAsync(
            "pg_basebackup",
            ["--dbname", $"postgresql://postgres@127.0.0.1:{server.Port}/postgres", "--pgdata", Base, "--checkpoint=fast"],
            new Dictionary<string, string?> { ["PGPASSWORD"] = Password });
        Assert.True(copy.ExitCode == 0, copy.All);
        await ExecuteAsync(database, "INSERT INTO jobs SELECT generate_series(501, 1000)");

        var moment = (string)(await ScalarAsync(database, "SELECT clock_timestamp()::text"))!;
        await ExecuteAsync(database, "DELETE FROM jobs");
        var last = (string)(await ScalarAsync(database, "SELECT pg_walfile_name(pg_switch_wal())"))!;
        await Wait.UntilAsync(() => File.Exists(Path.Combine(archive, last)));

        await using var recovered = new OwnServer();
        var prepared = await RunAsync(Base, archive, moment, recovered.File("data"));
        Assert.True(prepared.ExitCode == 0, prepared.All);
        await recovered.ResumePostgresAsync();

        await using var other = Open(recovered);
        Assert.Equal(1000L, await ScalarAsync(other, "SELECT count(*) FROM jobs"));
        await ExecuteAsync(other, "INSERT INTO jobs VALUES (1001)");
        Assert.Equal(0L, await ScalarAsync(database, "SELECT count(*) FROM jobs"));
    }

    [Theory]
    [InlineData("base", "archive", "2026-01-31 09:59:59", "data", "with its time zone")]
    [InlineData("base", "archive", "yesterday", "data", "with its time zone")]
    [InlineData("nothing", "archive", "2026-01-31 09:59:59+00", "data", "is no base backup")]
    [InlineData("base", "nothing", "2026-01-31 09:59:59+00", "data", "there is no directory")]
    [InlineData("base", "archive", "2026-01-31 09:59:59+00", "base", "is there already")]
    public async Task What_can_not_be_recovered_is_refused(string copy, string archive, string time, string data, string said)
    {
        Directory.CreateDirectory(Base);
        Directory.CreateDirectory(PathOf("archive"));
        await File.WriteAllTextAsync(Path.Combine(Base, "backup_label"), "", Cancellation);

        var refused = await RunAsync(PathOf(copy), PathOf(archive), time, PathOf(data));

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(said, refused.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(PathOf("data")));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private static Task<ToolResult> RunAsync(params string[] arguments) =>
        Tool.RunAsync("bash", [ScriptFiles.Path("recover.sh"), .. arguments]);

    private static NpgsqlDataSource Open(OwnServer server) => NpgsqlDataSource.Create(string.Create(
        CultureInfo.InvariantCulture,
        $"Host=127.0.0.1;Port={server.Port};Username=postgres;Password={Password};Database=postgres;Pooling=false"));

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    private static async Task<object?> ScalarAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
