using Aspire.Hosting.Running;

namespace Aspire.Hosting.Postgres;

/// <summary>Who runs Postgres: this user; or postgres, where this user is root, whom Postgres refuses.</summary>
internal sealed class PostgresUser
{
    private static readonly string[] Become = ["--reuid=postgres", "--regid=postgres", "--clear-groups"];
    private readonly string[]? _setpriv;
    private PostgresUser(string[]? setpriv) => _setpriv = setpriv;
    public static bool IsNeeded => Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows();

    public static void Check()
    {
        LocalBinary.Require("setpriv", "util-linux", "Running Postgres from root");
        LocalBinary.Require("chown", "coreutils", "Running Postgres from root");
        if (!File.ReadLines("/etc/passwd").Any(l => l.StartsWith("postgres:", StringComparison.Ordinal)))
        {
            throw new DistributedApplicationException(
                "Postgres refuses to run as root, and there is no user postgres to run it as. On Debian and Ubuntu: apt-get install postgresql; or start as another user.");
        }
    }

    public static async Task<PostgresUser> ForAsync(LocalServerContext context, CancellationToken cancellationToken)
    {
        if (!IsNeeded) return new(null);

        var user = new PostgresUser(Become);
        await user.OwnAsync(context, cancellationToken);
        if (!await user.ReachesAsync(context))
        {
            // A folder above belongs to root alone, as that of a fresh clone in a temporary folder does. The one capability to
            // read and search folders lets postgres through without opening the folder to others.
            user = new([.. Become, "--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]);
            if (!await user.ReachesAsync(context))
            {
                throw new DistributedApplicationException(
                    $"The user postgres cannot reach {context.Directory}. Let others search the folders above it (chmod o+x), or set Offline__DataDirectory.");
            }
        }

        return user;
    }

    public ProcessSpec Command(string command, IReadOnlyList<string> arguments, string directory) => _setpriv is null
        ? new(command, arguments, directory)
        : new("setpriv", [.. _setpriv, "--", command, .. arguments], directory);

    public async Task OwnAsync(LocalServerContext context, CancellationToken cancellationToken)
    {
        if (_setpriv is not null)
        {
            await SupervisedProcess.RunAsync(
                new("chown", ["-R", "postgres:postgres", context.Directory], "/"), context.Data, $"Giving {context.Directory} to the user postgres", cancellationToken);
        }
    }

    private async Task<bool> ReachesAsync(LocalServerContext context)
    {
        // Not "test -x": access(2), which that calls, leaves capabilities out of account.
        using var list = SupervisedProcess.Start(Command("ls", [context.Directory], "/"), context.Data, _ => { });
        return await list.Exited == 0;
    }
}
