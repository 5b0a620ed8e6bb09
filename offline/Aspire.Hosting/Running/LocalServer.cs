using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.Running;

/// <summary>What a local server starts with.</summary>
/// <param name="Data">The data directory of the AppHost.</param>
/// <param name="Directory">The server's own directory in it.</param>
/// <param name="Port">The port to listen on.</param>
internal sealed record LocalServerContext(DataDirectory Data, string Directory, int Port);

/// <summary>How a container resource runs without a container: as a server from a local binary.</summary>
/// <param name="Check">Throws, with what to install, if the binary is absent.</param>
/// <param name="PrepareAsync">Makes the server's directory ready and returns the command.</param>
internal sealed record LocalServer(Action Check, Func<LocalServerContext, CancellationToken, Task<ProcessSpec>> PrepareAsync) : IResourceAnnotation;

/// <summary>Finds programs.</summary>
internal static class LocalBinary
{
    public static string? Find(string name, params IEnumerable<string> alsoIn) =>
        (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Concat(alsoIn)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);

    public static string Require(string name, string package, string purpose, params IEnumerable<string> alsoIn) =>
        Find(name, alsoIn) ?? throw new DistributedApplicationException(
            $"{purpose} needs the program '{name}', which is not on this machine. On Debian and Ubuntu: apt-get install {package}");
}
