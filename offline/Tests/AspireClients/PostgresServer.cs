using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Tests.Offline.AspireClients;

/// <summary>A Postgres of its own, on a free port, in a temporary folder; skips the tests that need it where there is none.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("postgres-").FullName;
    private readonly int _port = FreePort();
    private Func<Task>? _stop;

    public string ConnectionString => $"Host=127.0.0.1;Port={_port};Username=postgres;Database=postgres";

    public async ValueTask InitializeAsync()
    {
        var binaries = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").Max() : null;
        Assert.SkipWhen(binaries is null, "Postgres is not installed under /usr/lib/postgresql.");
        var control = Path.Combine(binaries!, "bin", "pg_ctl");
        await RunAsync("chown", "postgres", _data);
        await AsPostgresAsync(control, "initdb", "-s", "-D", _data, "-o", "-A trust -N");
        await AsPostgresAsync(control, "start", "-s", "-w", "-D", _data, "-l", $"{_data}/log", "-o", $"-p {_port} -h 127.0.0.1 -k {_data}");
        _stop = () => AsPostgresAsync(control, "stop", "-s", "-D", _data, "-m", "immediate");
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await (_stop?.Invoke() ?? Task.CompletedTask);
        Directory.Delete(_data, recursive: true);
    }

    /// <summary>Postgres refuses to run as root.</summary>
    private static Task AsPostgresAsync(params string[] command) =>
        Environment.IsPrivilegedProcess ? RunAsync("runuser", ["-u", "postgres", "--", .. command]) : RunAsync(command[0], command[1..]);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
