using System.Collections.Concurrent;
using System.IO.Compression;
using InferenceTemplate.Tests.Shared;

[assembly: AssemblyFixture(typeof(InferenceTemplate.Tests.Scaffold.Template))]

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>
/// The template as its package has it, installed where nobody else's templates are. Projects are made from the unpacked package: the
/// engine reads a folder ten times faster than an archive, and there are dozens to make.
/// </summary>
public sealed class Template : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scaffold-").FullName;
    private readonly SemaphoreSlim _turns = new(Math.Clamp(Environment.ProcessorCount, 1, 4));
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentBag<Task> _begun = [];
    private int _made;

    public string Package { get; private set; } = "";

    private string Hive => Path.Combine(_folder, "hive");

    private string Unpacked => Path.Combine(_folder, "unpacked");

    public async ValueTask InitializeAsync()
    {
        var packages = Path.Combine(_folder, "package");
        await Commands.RunAsync(
            "dotnet", ["pack", Path.Combine(Repository.Root, "pack", "Template.Package.csproj"), "-o", packages, "-v", "quiet", "--nologo"], _folder, default);
        Package = Assert.Single(Directory.GetFiles(packages, "*.nupkg"));
        await ZipFile.ExtractToDirectoryAsync(Package, Unpacked);
        await InstallAsync(Path.Combine(Unpacked, "content"), Hive, default);
    }

    public async ValueTask DisposeAsync()
    {
        // Some may have been begun for cases that were not run.
        await _ending.CancelAsync();
        await Task.WhenAll(_begun).ContinueWith(_ => { }, TaskScheduler.Default);
        _ending.Dispose();
        _turns.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public static Task<string> InstallAsync(string source, string hive, CancellationToken cancellation) =>
        Commands.RunAsync("dotnet", ["new", "install", source, "--debug:custom-hive", hive], Path.GetDirectoryName(hive)!, cancellation);

    /// <summary>An empty folder that goes when the tests end; its name has a space in it, as many people's folders have.</summary>
    public string Folder(string name) => Directory.CreateDirectory(Path.Combine(_folder, $"made {Interlocked.Increment(ref _made)}", name)).FullName;

    /// <summary>Ends with the tests, not with the one that asked.</summary>
    public Task<GeneratedProject> NewAsync(HostileName name, Choice choice)
    {
        var project = NewAsync(name, choice, _ending.Token);
        _begun.Add(project);
        return project;
    }

    private async Task<GeneratedProject> NewAsync(HostileName name, Choice choice, CancellationToken cancellation)
    {
        var root = Path.Combine(Folder("in here"), name.Name.Replace('/', '_'));
        await _turns.WaitAsync(cancellation);
        try
        {
            var said = await NewAsync(Hive, name.Name, root, choice, cancellation);
            return new GeneratedProject(name, choice, root, said);
        }
        finally
        {
            _turns.Release();
        }
    }

    public static Task<string> NewAsync(string hive, string name, string root, Choice choice, CancellationToken cancellation) => Commands.RunAsync(
        "dotnet",
        ["new", "aspire-inference", "-n", name, "-o", root, "--no-restore", "--no-update-check", "--debug:custom-hive", hive, .. choice.Arguments],
        Path.GetDirectoryName(hive)!,
        cancellation);
}
