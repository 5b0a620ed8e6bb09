using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>
/// Fetched artifacts on this machine's disk, named by their SHA-256: bounded, least recently used first to go, and hashed again before
/// each use, since a disk may lie and other processes may write.
/// </summary>
internal sealed partial class ArtifactFiles(IOptions<ModelCacheOptions> options, TimeProvider time, ILogger<ArtifactFiles> logger)
{
    private const string Extension = ".onnx";

    // Older than any fetch: left by a process that died.
    private static readonly TimeSpan PartLifetime = TimeSpan.FromHours(1);

    // Users of one machine share the folder for temporary files: one of them could not write to what another one made.
    private readonly string _directory = options.Value.CacheDirectory.Length > 0
        ? options.Value.CacheDirectory
        : Path.Combine(Path.GetTempPath(), $"inference-artifacts-{Environment.UserName}");

    /// <summary>The path of a file with these very bytes, fetched where there is none or where it is damaged.</summary>
    /// <param name="open">Opens the artifact in its store.</param>
    /// <exception cref="InvalidDataException">What was fetched has another hash.</exception>
    /// <exception cref="IOException">The store or the disk failed.</exception>
    public async Task<string> GetAsync(
        string sha256, long size, Func<CancellationToken, Task<Stream>> open, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_directory);
        var path = Path.Combine(_directory, sha256 + Extension);
        if (File.Exists(path))
        {
            if (await HashAsync(path, cancellationToken) == sha256)
            {
                Touch(path);
                return path;
            }

            LogDamaged(path);
        }

        MakeRoom(size, path);
        await FetchAsync(sha256, path, open, cancellationToken);
        Touch(path);
        return path;
    }

    // The time of writing stands for the time of last use: it outlives this process, and not every disk keeps that of reading.
    private void Touch(string path) => File.SetLastWriteTimeUtc(path, time.GetUtcNow().UtcDateTime);

    private static async Task FetchAsync(
        string sha256, string path, Func<CancellationToken, Task<Stream>> open, CancellationToken cancellationToken)
    {
        var part = $"{path}.{Guid.NewGuid():N}.part";
        try
        {
            string fetched;
            await using (var source = await open(cancellationToken))
            await using (var target = new FileStream(
                part, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, useAsync: true))
            {
                await source.CopyToAsync(target, cancellationToken);
                target.Flush(flushToDisk: true);
                target.Position = 0;
                fetched = Convert.ToHexStringLower(await SHA256.HashDataAsync(target, cancellationToken));
            }

            if (fetched != sha256)
            {
                throw new InvalidDataException($"the artifact {sha256} came from its store as {fetched}");
            }

            File.Move(part, path, overwrite: true);
        }
        finally
        {
            File.Delete(part);
        }
    }

    // Workers of one machine may share the folder: whatever vanishes meanwhile has made room too.
    private void MakeRoom(long size, string except)
    {
        var now = time.GetUtcNow().UtcDateTime;
        foreach (var stale in new DirectoryInfo(_directory).EnumerateFiles("*.part").Where(f => now - f.LastWriteTimeUtc > PartLifetime))
        {
            stale.Delete();
        }

        var files = new DirectoryInfo(_directory).EnumerateFiles("*" + Extension)
            .Where(f => f.FullName != except && f.Exists)
            .OrderBy(f => f.LastWriteTimeUtc)
            .ToList();
        var total = files.Sum(f => f.Length) + size;
        foreach (var file in files.TakeWhile(_ => total > options.Value.CacheBytes))
        {
            total -= file.Length;
            file.Delete();
            LogRemoved(file.Name, options.Value.CacheBytes);
        }
    }

    private static async Task<string> HashAsync(string path, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1 << 16, useAsync: true);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken));
    }

    [LoggerMessage(LogLevel.Warning, "{Path} is not what its name says and is fetched again")]
    private partial void LogDamaged(string path);

    [LoggerMessage(LogLevel.Information, "{File} was removed from the disk to stay within Worker:CacheBytes ({Limit})")]
    private partial void LogRemoved(string file, long limit);
}
