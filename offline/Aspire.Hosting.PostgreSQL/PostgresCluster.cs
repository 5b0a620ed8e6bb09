using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Running;

namespace Aspire.Hosting.Postgres;

/// <summary>
/// A cluster of the machine's own Postgres, in the data directory. It listens on the loopback address only, asks for the password,
/// and never runs as root: there it runs as the user postgres, who owns its files.
/// </summary>
internal sealed class PostgresCluster(PostgresServerResource server)
{
    private static readonly string[] Versions =
        [.. (Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql") : [])
            .OrderByDescending(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var major) ? major : 0)
            .Select(d => Path.Combine(d, "bin"))];

    public static void Check()
    {
        Binary("postgres");
        Binary("initdb");
        if (PostgresUser.IsNeeded)
            PostgresUser.Check();
    }

    public async Task<ProcessSpec> PrepareAsync(LocalServerContext context, CancellationToken cancellationToken)
    {
        var files = Path.Combine(context.Directory, "cluster");
        var initialised = File.Exists(Path.Combine(files, "PG_VERSION"));
        var user = await PostgresUser.ForAsync(context, cancellationToken);
        if (!initialised)
            await InitialiseAsync(context, files, user, cancellationToken);

        // The lock on the children of this data directory was free: whatever wrote this file is gone, even if its number lives.
        File.Delete(Path.Combine(files, "postmaster.pid"));
        return user.Command(
            Binary("postgres"),
            ["-D", files, "-h", "127.0.0.1", "-p", context.Port.ToString(CultureInfo.InvariantCulture), "-c", "unix_socket_directories="],
            context.Directory) with
        {
            // Fast shutdown: sessions are ended, what they have not committed is rolled back, all else is written.
            StopSignal = "INT",
        };
    }

    private static string Binary(string name) =>
        LocalBinary.Require(name, "postgresql", "Running Postgres without a container", Versions);

    private async Task InitialiseAsync(LocalServerContext context, string files, PostgresUser user, CancellationToken cancellationToken)
    {
        // An attempt that was cut short leaves a folder that initdb refuses.
        if (Directory.Exists(files))
            Directory.Delete(files, recursive: true);

        var passwordFile = Path.Combine(context.Directory, "initial-password");
        try
        {
            PrivateFile.Write(passwordFile, (await server.PasswordParameter.GetValueAsync(cancellationToken))!);
            await user.OwnAsync(context, cancellationToken);
            var name = await server.UserNameReference.GetValueAsync(cancellationToken);
            await SupervisedProcess.RunAsync(
                user.Command(
                    Binary("initdb"),
                    ["-D", files, $"--username={name}", $"--pwfile={passwordFile}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"],
                    context.Directory),
                context.Data,
                $"Making the database cluster of '{server.Name}'",
                cancellationToken);
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }
}
