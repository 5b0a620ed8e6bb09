using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Running;

/// <summary>
/// Where servers keep their files and generated secrets are: .data beside the AppHost's project, or Offline:DataDirectory.
/// One AppHost at a time uses it.
/// </summary>
internal sealed class DataDirectory : IDisposable
{
    private static readonly TimeSpan PatienceForLeftovers = TimeSpan.FromSeconds(45);
    private readonly FileStream _lock;

    private DataDirectory(string path, FileStream @lock)
    {
        Root = path;
        _lock = @lock;
    }

    public string Root { get; }

    /// <summary>Held by every process that was started here, until the last of them has ended.</summary>
    public string ChildrenLock => Path.Combine(Root, ".children.lock");

    public static string PathOf(IConfiguration configuration, string appHostDirectory) =>
        Path.GetFullPath(configuration["Offline:DataDirectory"] ?? Path.Combine(appHostDirectory, "..", ".data"));

    public static async Task<DataDirectory> OpenAsync(string path, ResourceConsole console, CancellationToken cancellationToken)
    {
        try
        {
            Directory.CreateDirectory(path);
            CheckWritable(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DistributedApplicationException(
                $"The data directory {path} cannot be written: {e.Message} Free space or change its owner, or set Offline__DataDirectory to another.", e);
        }

        var owner = Path.Combine(path, ".owner");
        if (TryLock(Path.Combine(path, ".lock")) is not { } held)
        {
            throw new DistributedApplicationException(
                $"The data directory {path} is in use by another running AppHost (process {File.ReadAllText(owner)}). Stop that one first, or set Offline__DataDirectory to another directory.");
        }

        var data = new DataDirectory(path, held);
        try
        {
            await File.WriteAllTextAsync(owner, Environment.ProcessId.ToString(CultureInfo.InvariantCulture), cancellationToken);
            await data.WaitForLeftoversAsync(console, cancellationToken);
            return data;
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }

    public string PathFor(string resourceName) => Path.Combine(Root, resourceName);

    public void Dispose() => _lock.Dispose();

    private static void CheckWritable(string path)
    {
        var probe = Path.Combine(path, ".probe");
        File.WriteAllBytes(probe, new byte[4096]);
        File.Delete(probe);
    }

    private static FileStream? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>After kill -9 of an AppHost its processes take a moment to end; two servers on one directory would ruin it.</summary>
    private async Task WaitForLeftoversAsync(ResourceConsole console, CancellationToken cancellationToken)
    {
        var until = TimeProvider.System.GetUtcNow() + PatienceForLeftovers;
        var said = false;
        while (true)
        {
            using var free = TryLock(ChildrenLock);
            if (free is not null) return;

            if (TimeProvider.System.GetUtcNow() > until)
            {
                throw new DistributedApplicationException(
                    $"Processes of an earlier run still use {Root}. See which by: fuser -v {ChildrenLock}");
            }

            if (!said)
            {
                console.Status("apphost", "waiting for processes of an earlier run to end");
                said = true;
            }

            await Task.Delay(100, cancellationToken);
        }
    }
}
