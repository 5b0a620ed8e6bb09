namespace InferenceTemplate.AppHost.LocalServers;

/// <summary>
/// Who runs Postgres, which refuses to run as root: the user who starts the platform or, where that is root, <c>postgres</c>, which
/// every package of Postgres makes.
/// </summary>
internal sealed class ServerAccount
{
    private const string Name = "postgres";

    private static readonly string[] s_become = ["--reuid", Name, "--regid", Name, "--clear-groups"];

    // A folder under /root is closed to others; this capability (reading, not writing) has the server find its own in there.
    private static readonly string[] s_reach = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"];

    private readonly string? _setpriv;

    private ServerAccount(string? setpriv) => _setpriv = setpriv;

    /// <exception cref="DistributedApplicationException">This is root, and there is nobody else to run it.</exception>
    public static ServerAccount OfThisUser()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return new(null);
        }

        var setpriv = Tool.Find("setpriv")
            ?? throw Tool.Missing(
                "setpriv, with which root runs Postgres as another user,", "util-linux", "util-linux", "(run this as a normal user)");
        if (!File.ReadLines("/etc/passwd").Any(line => line.StartsWith($"{Name}:", StringComparison.Ordinal)))
        {
            throw new DistributedApplicationException(
                $"Postgres does not run as root, and there is no user '{Name}' to run it: add one (useradd --system {Name}), or run this as a normal user.");
        }

        return new(setpriv);
    }

    /// <summary>Gives a folder, with all in it, to the account.</summary>
    public Task OwnAsync(string folder, CancellationToken cancellationToken) =>
        _setpriv is null ? Task.CompletedTask : Tool.RunAsync(["chown", "-R", $"{Name}:{Name}", folder], "", cancellationToken);

    /// <summary>What stands before a command for the account to run it in a folder.</summary>
    /// <exception cref="DistributedApplicationException">The account cannot reach the folder.</exception>
    public async Task<IReadOnlyList<string>> PrefixAsync(string folder, CancellationToken cancellationToken)
    {
        if (_setpriv is null)
        {
            return [];
        }

        string[] plain = [_setpriv, .. s_become, "--"];
        string[] reaching = [_setpriv, .. s_become, .. s_reach, "--"];
        return await ReachesAsync(plain, folder, cancellationToken) ? plain
            : await ReachesAsync(reaching, folder, cancellationToken) ? reaching
            : throw new DistributedApplicationException(
                $"The user '{Name}' cannot reach '{folder}': give the servers a folder that it can (--Data=PATH), or run this as a normal user.");
    }

    private static async Task<bool> ReachesAsync(string[] prefix, string folder, CancellationToken cancellationToken)
    {
        try
        {
            // Not 'test': it asks for the user's own rights, without the capability.
            await Tool.RunAsync([.. prefix, "ls", "-d", folder], "", cancellationToken);
            return true;
        }
        catch (DistributedApplicationException)
        {
            return false;
        }
    }
}
