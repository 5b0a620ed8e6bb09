using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace InferenceTemplate.AppHost.LocalServers;

/// <summary>A database cluster of the platform's own: made at the first start, and kept.</summary>
internal sealed class PostgresServer(string folder, ParameterResource secret)
{
    public const string Command = "sh";

    private const string Superuser = "postgres";

    // SIGTERM, with which the orchestrator asks a process to end, has Postgres wait for its clients until it is killed;
    // SIGINT ends it at once and in good order. wait returns when a trap has run: hence the loop.
    private const string Supervise =
        """trap 'kill -INT $server' TERM INT; "$@" & server=$!; while :; do wait $server; code=$?; kill -0 $server 2>/dev/null || exit $code; done""";

    private readonly string _files = Path.Combine(folder, "cluster");
    private readonly string _fingerprint = Path.Combine(folder, "password.sha256");

    private ServerAccount? _account;
    private PostgresBinaries? _binaries;
    private IReadOnlyList<string> _prefix = [];

    public string Folder => folder;

    /// <exception cref="DistributedApplicationException">Postgres is not installed, or nobody but root could run it.</exception>
    public void Require()
    {
        PostgresBinaries.Require();
        _account = ServerAccount.OfThisUser();
    }

    /// <summary>Of the prepared server.</summary>
    public void AddArguments(IList<object> arguments, object port)
    {
        string[] fixedOnes =
        [
            "-c", Supervise, "postgres", .. _prefix, _binaries!.Server,
            "-D", _files, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
        ];
        foreach (var argument in fixedOnes)
        {
            arguments.Add(argument);
        }

        arguments.Add("-p");
        arguments.Add(port);
    }

    /// <summary>Before each start: makes the cluster where there is none yet, and gives it the password of this run.</summary>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await PidFile.ClearAsync(Path.Combine(_files, "postmaster.pid"), "postgres", cancellationToken);
        var version = Path.Combine(_files, "PG_VERSION");
        var exists = File.Exists(version);
        _binaries = await PostgresBinaries.FindAsync(
            exists ? int.Parse(await File.ReadAllTextAsync(version, cancellationToken), CultureInfo.InvariantCulture) : null,
            cancellationToken);
        await _account!.OwnAsync(Folder, cancellationToken);
        _prefix = await _account.PrefixAsync(Folder, cancellationToken);

        var password = (await secret.GetValueAsync(cancellationToken))!;
        var fingerprint = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(password)));
        if (!exists)
        {
            await InitializeAsync(password, cancellationToken);
        }
        else if (!File.Exists(_fingerprint) || await File.ReadAllTextAsync(_fingerprint, cancellationToken) != fingerprint)
        {
            await SetPasswordAsync(password, cancellationToken);
        }
        else
        {
            return;
        }

        await PrivateFile.WriteAsync(_fingerprint, fingerprint, cancellationToken);
    }

    private async Task InitializeAsync(string password, CancellationToken cancellationToken)
    {
        // An attempt that was broken off would make initdb refuse the folder.
        if (Directory.Exists(_files))
        {
            Directory.Delete(_files, recursive: true);
        }

        var file = Path.Combine(Folder, "initial-password");
        await PrivateFile.WriteAsync(file, password, cancellationToken);
        try
        {
            await _account!.OwnAsync(file, cancellationToken);
            await Tool.RunAsync(
                [
                    .. _prefix, _binaries!.Initialize, "-D", _files, $"--username={Superuser}", $"--pwfile={file}",
                    "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions",
                ],
                "",
                cancellationToken);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>The secrets of a developer may go while the data stays, and come anew: without this, nobody could sign in to it.</summary>
    private Task<string> SetPasswordAsync(string password, CancellationToken cancellationToken) =>
        Tool.RunAsync(
            [.. _prefix, _binaries!.Server, "--single", "-D", _files, "-c", "log_min_messages=fatal", "postgres"],
            $"ALTER ROLE {Superuser} PASSWORD '{password.Replace("'", "''", StringComparison.Ordinal)}'\n",
            cancellationToken);
}
