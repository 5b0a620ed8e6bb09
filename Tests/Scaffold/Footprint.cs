using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>
/// What a run of a project leaves outside of its folder: user secrets, and volumes where its servers are containers. The volumes get
/// names of their own, since others of that name are the developer's; all of it goes with this.
/// </summary>
internal sealed partial class Footprint : IAsyncDisposable
{
    private readonly string _secrets;
    private readonly string[] _volumes;

    private Footprint(string secrets, string[] volumes) => (_secrets, _volumes) = (secrets, volumes);

    [GeneratedRegex("""(?<=WithDataVolume\(")[^"]+""", RegexOptions.None, 1000)]
    private static partial Regex Volume();

    [GeneratedRegex("(?<=<UserSecretsId>)[^<]+", RegexOptions.None, 1000)]
    private static partial Regex SecretsId();

    public static async Task<Footprint> OfAsync(GeneratedProject project, CancellationToken cancellation)
    {
        var host = project.PathOf("AppHost/AppHost.cs");
        var own = $"scaffold-{Guid.NewGuid():N}-";
        var text = Volume().Replace(await File.ReadAllTextAsync(host, cancellation), match => own + match.Value);
        await File.WriteAllTextAsync(host, text, cancellation);

        // The manifest names them too, and the project's tests compare it with the topology.
        if (project.Texts.TryGetValue("aspire-manifest.json", out var manifest))
        {
            foreach (var volume in Volume().Matches(text).Select(match => match.Value))
            {
                manifest = manifest.Replace($"\"{volume[own.Length..]}\"", $"\"{volume}\"", StringComparison.Ordinal);
            }

            await File.WriteAllTextAsync(project.PathOf("aspire-manifest.json"), manifest, cancellation);
        }

        // As Microsoft.Extensions.Configuration.UserSecrets finds it.
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var folder = OperatingSystem.IsWindows()
            ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "Microsoft", "UserSecrets")
            : Path.Combine(home, ".microsoft", "usersecrets");
        return new Footprint(
            Path.Combine(folder, SecretsId().Match(project.Texts["AppHost/AppHost.csproj"]).Value),
            [.. Volume().Matches(text).Select(match => match.Value)]);
    }

    public async ValueTask DisposeAsync()
    {
        await Volumes.RemoveAsync(_volumes);
        if (Directory.Exists(_secrets))
        {
            Directory.Delete(_secrets, recursive: true);
        }
    }
}
