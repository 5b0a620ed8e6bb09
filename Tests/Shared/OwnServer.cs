using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace InferenceTemplate.Tests.Shared;

/// <summary>
/// A server as a process of the test's own, with settings that the AppHost gives to none, and a folder that goes with it. Root runs it
/// as the user <c>postgres</c>: neither Postgres nor PgBouncer runs as root.
/// </summary>
internal sealed class OwnServer : IAsyncDisposable
{
    private const string Account = "postgres";

    private readonly ConcurrentQueue<string?> _said = [];

    // At once and in good order, where SIGTERM has Postgres wait for its clients.
    private string _stop = "-INT";
    private bool _isContainer;
    private Process? _process;

    /// <summary>Where its files are; what is put there before it starts is the server's own.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("own-server-").FullName;

    public int Port { get; } = Ports.Free();

    public string Output => string.Join('\n', _said);

    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>A Postgres with the superuser <c>postgres</c> and the database of that name.</summary>
    public async Task StartPostgresAsync(string password, params string[] arguments)
    {
        await InitializePostgresAsync(password);
        await ResumePostgresAsync(arguments);
    }

    /// <summary>The files of a Postgres, in the folder <c>data</c>.</summary>
    public async Task InitializePostgresAsync(string password)
    {
        await System.IO.File.WriteAllTextAsync(File("password"), password);
        await RunAsync(
            Find("initdb", "postgresql"), "--pgdata", File("data"), "--username=postgres", $"--pwfile={File("password")}", "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions", "--no-sync");
    }

    /// <summary>Where the programs of the newest Postgres are.</summary>
    public static string PostgresPrograms => Path.GetDirectoryName(Find("initdb", "postgresql"))!;

    /// <summary>Runs a container's command as a container does: the first of its processes, whose end is that of all.</summary>
    /// <param name="ready">What it says once it is ready.</param>
    /// <param name="variables">Such as <c>PATH=/usr/bin</c>.</param>
    public Task StartContainerAsync(string ready, string[] variables, params string[] command)
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root of Linux makes a process the first of its own.");
        _isContainer = true;
        return StartAsync(ready, "env", [.. variables, .. command]);
    }

    /// <summary>A Postgres with the files that are in the folder <c>data</c>.</summary>
    public Task ResumePostgresAsync(params string[] arguments) => StartAsync(
        "ready to accept connections", Path.Combine(PostgresPrograms, "postgres"),
        [
            "-D", File("data"), "-p", $"{Port}", "-c", "listen_addresses=localhost", "-c", "unix_socket_directories=", "-c", "fsync=off",
            .. arguments,
        ]);

    /// <summary>A PgBouncer in transaction mode before a Postgres of this machine.</summary>
    /// <param name="sessions">How many it opens there at most.</param>
    public async Task StartPgBouncerAsync(int postgres, string password, int sessions)
    {
        _stop = "-TERM";
        await System.IO.File.WriteAllTextAsync(File("users"), $"\"postgres\" \"{password}\"\n");
        await System.IO.File.WriteAllTextAsync(File("pgbouncer.ini"), $"""
            [databases]
            * = host=127.0.0.1 port={postgres}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {Port}
            unix_socket_dir =
            auth_type = scram-sha-256
            auth_file = {File("users")}
            pool_mode = transaction
            default_pool_size = {sessions}
            max_client_conn = 400

            """);
        await StartAsync("process up", Find("pgbouncer", "pgbouncer"), [File("pgbouncer.ini")]);
    }

    public Task StartRedisAsync(string password, params string[] arguments) => StartAsync(
        "Ready to accept connections", Find("redis-server", "redis-server"),
        ["--dir", Folder, "--requirepass", password, "--save", "", "--maxmemory-policy", "noeviction", .. arguments]);

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            // Of a container, its first process, with which all others end.
            string[] command = _isContainer ? ["pkill", "-KILL", "-P"] : ["kill", _stop];
            using (var kill = Process.Start(command[0], [.. command[1..], _process.Id.ToString(CultureInfo.InvariantCulture)]))
            {
                await kill.WaitForExitAsync();
            }

            await _process.WaitForExitAsync();
        }

        _process?.Dispose();
        await Wait.UntilAsync(() =>
        {
            try
            {
                Directory.Delete(Folder, recursive: true);
                return true;
            }
            catch (IOException) when (_isContainer)
            {
                // Its processes are being killed, and still write.
                return false;
            }
        });
    }

    /// <summary>Starts it and waits until it says that it is ready.</summary>
    private async Task StartAsync(string ready, string program, string[] arguments)
    {
        _process = new Process { StartInfo = await CommandAsync(program, arguments) };
        _process.OutputDataReceived += (_, line) => _said.Enqueue(line.Data);
        _process.ErrorDataReceived += (_, line) => _said.Enqueue(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Wait.UntilAsync(() =>
        {
            Assert.False(_process.HasExited, Output);
            return _said.Any(line => line?.Contains(ready, StringComparison.Ordinal) is true);
        });
    }

    private async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(await CommandAsync(program, arguments))!;
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
    }

    private async Task<ProcessStartInfo> CommandAsync(string program, string[] arguments)
    {
        string[] become = [];
        if (Environment.IsPrivilegedProcess)
        {
            using var own = Process.Start("chown", ["-R", $"{Account}:{Account}", Folder]);
            await own.WaitForExitAsync();
            string[] first = _isContainer ? ["unshare", "--pid", "--fork"] : [];
            become = [.. first, "setpriv", "--reuid", Account, "--regid", Account, "--clear-groups", "--"];
        }

        string[] command = [.. become, program, .. arguments];
        return new(command[0], command[1..])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Folder,
        };
    }

    /// <summary>Of the newest version; Debian keeps the programs of Postgres off <c>PATH</c>.</summary>
    private static string Find(string program, string package)
    {
        const string Debian = "/usr/lib/postgresql";
        var versions = Directory.Exists(Debian) ? Directory.GetDirectories(Debian) : [];
        var found = versions.OrderByDescending(folder => folder, StringComparer.Ordinal).Select(folder => Path.Combine(folder, "bin"))
            .Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
            .Append("/usr/sbin")
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(System.IO.File.Exists);
        Assert.SkipWhen(found is null, $"{program} is missing (Debian: apt-get install {package})");
        return found;
    }
}
