using System.Collections.Concurrent;

[assembly: AssemblyFixture(typeof(InferenceTemplate.Tests.Scaffold.Template))]

namespace InferenceTemplate.Tests.Scaffold;

/// <summary>The template, installed from a folder that work has left its litter in, where nobody else's templates are.</summary>
public sealed class Template : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("scaffold-").FullName;
    private readonly SemaphoreSlim _turns = new(Math.Clamp(Environment.ProcessorCount, 1, 4));
    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentBag<Task> _begun = [];
    private int _made;

    private string Hive => Path.Combine(_folder, "hive");

    public async ValueTask InitializeAsync()
    {
        var source = Path.Combine(_folder, "source");
        await SourceTree.CopyAsync(source, default);
        await InstallAsync(source, Hive, default);
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
    public string Folder(string name) =>
        Directory.CreateDirectory(Path.Combine(_folder, $"made {Interlocked.Increment(ref _made)}", name)).FullName;

    /// <summary>Ends with the tests, not with the one that asked.</summary>
    public Task<GeneratedProject> NewAsync(HostileName name, Choice choice, params string[] others)
    {
        var project = NewAsync(name, choice, others, _ending.Token);
        _begun.Add(project);
        return project;
    }

    private async Task<GeneratedProject> NewAsync(HostileName name, Choice choice, string[] others, CancellationToken cancellation)
    {
        var root = Path.Combine(Folder("in here"), name.Name);
        await _turns.WaitAsync(cancellation);
        try
        {
            var said = await NewAsync(Hive, name.Name, root, [.. choice.Arguments, .. others], cancellation);
            return new GeneratedProject(name, choice, root, said);
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>As a user does, in the given hive.</summary>
    public static Task<string> NewAsync(
        string hive, string name, string root, IEnumerable<string> options, CancellationToken cancellation) => Commands.RunAsync(
        "dotnet",
        ["new", "aspire-inference", "-n", name, "-o", root, "--no-update-check", "--debug:custom-hive", hive, .. options],
        Path.GetDirectoryName(hive)!,
        cancellation);
}
