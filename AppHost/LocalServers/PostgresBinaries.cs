using System.Globalization;
using System.Text.RegularExpressions;

namespace InferenceTemplate.AppHost.LocalServers;

/// <summary>Where the programs of one version of Postgres are. Distributions keep them off <c>PATH</c>.</summary>
internal sealed partial record PostgresBinaries(string Folder, int Version)
{
    // Debian and Ubuntu; postgresql.org's packages for Fedora; Homebrew. Folders that are not there give nothing.
    private static readonly (string Root, string Pattern)[] s_places =
    [
        ("/usr/lib/postgresql", "*"), ("/usr", "pgsql-*"), ("/opt/homebrew/opt", "postgresql*"), ("/usr/local/opt", "postgresql*"),
    ];

    public string Server => Path.Combine(Folder, "postgres");

    public string Initialize => Path.Combine(Folder, "initdb");

    /// <param name="wanted">The version that wrote the data; null for the newest.</param>
    /// <exception cref="DistributedApplicationException">There is none, or not this version.</exception>
    public static async Task<PostgresBinaries> FindAsync(int? wanted, CancellationToken cancellationToken)
    {
        var found = new List<PostgresBinaries>();
        foreach (var folder in Candidates())
        {
            var version = VersionNumber()
                .Match(await Tool.RunAsync([Path.Combine(folder, "postgres"), "--version"], "", cancellationToken));
            found.Add(new(folder, int.Parse(version.Value, CultureInfo.InvariantCulture)));
        }

        var newestFirst = found.OrderByDescending(each => each.Version).ToList();
        return newestFirst.FirstOrDefault(each => wanted is null || each.Version == wanted)
            ?? throw new DistributedApplicationException(
                $"The data was written by Postgres {wanted}, and installed is {string.Join(", ", newestFirst.Select(each => each.Version))}: install that version, or remove the data to start anew.");
    }

    /// <exception cref="DistributedApplicationException">Postgres is not installed.</exception>
    public static void Require()
    {
        if (!Candidates().Any())
        {
            throw Tool.Missing("Postgres", "postgresql", "postgresql-server", "postgresql@17");
        }
    }

    private static IEnumerable<string> Candidates() =>
        s_places.Where(place => Directory.Exists(place.Root))
            .SelectMany(place => Directory.GetDirectories(place.Root, place.Pattern))
            .Select(folder => Path.Combine(folder, "bin"))
            .Concat(Tool.Folders())
            .Where(folder => File.Exists(Path.Combine(folder, "postgres")) && File.Exists(Path.Combine(folder, "initdb")));

    [GeneratedRegex("[0-9]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VersionNumber();
}
