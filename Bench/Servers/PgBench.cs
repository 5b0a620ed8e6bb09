using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace InferenceTemplate.Bench.Servers;

/// <summary>Postgres's own benchmark: one insert and one commit a transaction, which is the least that a durable job costs.</summary>
internal sealed partial class PgBench : IAsyncDisposable
{
    private const string Table = "bench_inserts";

    private readonly NpgsqlConnectionStringBuilder _connection;
    private readonly string _script = Path.GetTempFileName();

    private PgBench(string connectionString) => _connection = new NpgsqlConnectionStringBuilder(connectionString);

    public static async Task<PgBench> PrepareAsync(string connectionString)
    {
        var bench = new PgBench(connectionString);
        await File.WriteAllTextAsync(
            bench._script, $"INSERT INTO {Table} (model, state, payload) VALUES ('digits', 'queued', repeat('x', 256));");
        await bench.ExecuteAsync(
            $"CREATE TABLE IF NOT EXISTS {Table} (id bigserial PRIMARY KEY, model text, state text, payload text, created_at timestamptz DEFAULT now())");
        return bench;
    }

    /// <returns>Commits a second.</returns>
    /// <exception cref="InvalidOperationException">pgbench is not here, or failed.</exception>
    public async Task<double> RunAsync(int clients, TimeSpan time)
    {
        var start = new ProcessStartInfo(Find())
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])
            [
                "-n", "-f", _script, "-c", $"{clients}", "-j", $"{Environment.ProcessorCount}", "-M", "prepared",
                "-T", $"{Math.Max(1, (int)time.TotalSeconds)}", "-h", _connection.Host!, "-p", $"{_connection.Port}", "-U",
                _connection.Username!, _connection.Database!,
            ])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["PGPASSWORD"] = _connection.Password;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var match = Tps().Match(output);
        return match.Success
            ? double.Parse(match.Groups["tps"].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"pgbench failed: {await errors}{output}");
    }

    public async ValueTask DisposeAsync()
    {
        File.Delete(_script);
        await ExecuteAsync($"DROP TABLE {Table}");
    }

    private static string Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Concat(Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin"))
            : [])
        .Select(folder => Path.Combine(folder, "pgbench"))
        .FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException("pgbench is not here: install the Debian package 'postgresql'.");

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_connection.ConnectionString);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    [GeneratedRegex(@"tps = (?<tps>[0-9.]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Tps();
}
