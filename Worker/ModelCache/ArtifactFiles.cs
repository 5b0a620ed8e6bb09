using System.Security.Cryptography;
using InferenceTemplate.Data.Artifacts;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>
/// Fetched artifacts on this machine's disk, named by their SHA-256: bounded, least recently used first to go, and hashed again before
/// each use, since a disk may lie and other processes may write. An archive is kept as a folder of its files and a list of their hashes,
/// made when the archive had the right one.
/// </summary>
internal sealed partial class ArtifactFiles(IOptions<ModelCacheOptions> options, TimeProvider time, ILogger<ArtifactFiles> logger)
{
    private const string Extension = ".onnx";
    private const string FolderExtension = ".files";
    private const string PartExtension = ".part";
    private const string FilesName = "model";
    private const string ListName = "sha256sums";

    private static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(1);

    // Older than any fetch: left by a process that died.
    private static readonly TimeSpan PartLifetime = TimeSpan.FromHours(1);

    // Users of one machine share the folder for temporary files: one of them could not write to what another one made.
    private readonly string _directory = options.Value.CacheDirectory.Length > 0
        ? options.Value.CacheDirectory
        : Path.Combine(Path.GetTempPath(), $"inference-artifacts-{Environment.UserName}");

    // How often.
    private readonly Dictionary<string, int> _held = new(StringComparer.Ordinal);

    /// <summary>Keeps the files of an artifact from making room for others until that is disposed: they are about to be opened.</summary>
    public IDisposable Hold(string sha256)
    {
        lock (_held)
        {
            _held[sha256] = _held.GetValueOrDefault(sha256) + 1;
        }

        return new Held(this, sha256);
    }

    /// <summary>The files of an artifact with these very bytes, fetched where there are none or where they are damaged.</summary>
    /// <param name="open">Opens the artifact in its store.</param>
    /// <exception cref="InvalidDataException">What was fetched has another hash.</exception>
    /// <exception cref="IOException">The store or the disk failed.</exception>
    public async Task<ModelFiles> GetAsync(
        string sha256, long size, Func<CancellationToken, Task<Stream>> open, CancellationToken cancellationToken)
    {
        CreateDirectory();
        if (await Task.Run(() => Find(sha256, cancellationToken), cancellationToken) is not { } files)
        {
            MakeRoom(size, sha256);
            await FetchAsync(sha256, open, cancellationToken);
            files = Open(sha256) ?? throw new IOException($"the files of the artifact {sha256} vanished once they were fetched");
        }

        Touch(sha256);
        return files;
    }

    private ModelFiles? Open(string sha256) =>
        File.Exists(FileOf(sha256)) ? ModelFiles.Single(FileOf(sha256), sha256)
        : Directory.Exists(FolderOf(sha256))
            ? ModelFiles.Listed(Path.Combine(FolderOf(sha256), FilesName), Path.Combine(FolderOf(sha256), ListName), sha256)
            : null;

    private ModelFiles? Find(string sha256, CancellationToken cancellationToken)
    {
        try
        {
            var files = Open(sha256);
            if (files is null || files.AreIntact(cancellationToken))
            {
                return files;
            }
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            // What is missing is damaged too.
        }

        LogDamaged(sha256);
        return null;
    }

    private async Task FetchAsync(string sha256, Func<CancellationToken, Task<Stream>> open, CancellationToken cancellationToken)
    {
        var part = PartOf(sha256);
        try
        {
            string fetched;
            await using (var source = await open(cancellationToken))
            await using (var target = new FileStream(
                part, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16, useAsync: true))
            {
                await CopyAsync(source, target, cancellationToken);
                target.Flush(flushToDisk: true);
                target.Position = 0;
                fetched = Convert.ToHexStringLower(await SHA256.HashDataAsync(target, cancellationToken));
            }

            if (fetched != sha256)
            {
                throw new InvalidDataException($"the artifact {sha256} came from its store as {fetched}");
            }

            if (ArtifactFormats.OfFile(part) == ArtifactFormat.Onnx)
            {
                File.Move(part, FileOf(sha256), overwrite: true);
            }
            else
            {
                await Task.Run(() => Extract(part, sha256, cancellationToken), cancellationToken);
            }
        }
        finally
        {
            File.Delete(part);
        }
    }

    // A connection to the store may end without a word.
    private async Task CopyAsync(Stream source, Stream target, CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(LongestSilence, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        var buffer = new byte[1 << 16];
        try
        {
            while (true)
            {
                silence.CancelAfter(LongestSilence);
                var count = await source.ReadAsync(buffer, either.Token);
                if (count == 0)
                {
                    return;
                }

                await target.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException($"the store sent nothing for {LongestSilence.TotalSeconds} s", exception);
        }
    }

    // An inspection has extracted it before, within its limits.
    private void Extract(string archive, string sha256, CancellationToken cancellationToken)
    {
        var (part, damaged) = (PartOf(sha256), "");
        try
        {
            var files = ModelArchive.Extract(archive, Path.Combine(part, FilesName), long.MaxValue, cancellationToken);
            ModelFiles.WriteList(Path.Combine(part, ListName), sha256, files);
            MakeRoom(ModelFolder.BytesOf(part), sha256);

            // Another worker of this machine may have been faster: its files are as good.
            if (Find(sha256, cancellationToken) is null)
            {
                SetAside(new DirectoryInfo(FolderOf(sha256)), out damaged);
                Directory.Move(part, FolderOf(sha256));
            }
        }
        catch (IOException) when (Find(sha256, cancellationToken) is not null)
        {
            // It was so in the last moment.
        }
        finally
        {
            foreach (var left in new[] { part, damaged }.Where(Directory.Exists))
            {
                Directory.Delete(left, recursive: true);
            }
        }
    }

    // The time of writing stands for the time of last use: it outlives this process, and not every disk keeps that of reading.
    private void Touch(string sha256)
    {
        var now = time.GetUtcNow().UtcDateTime;
        if (File.Exists(FileOf(sha256)))
        {
            File.SetLastWriteTimeUtc(FileOf(sha256), now);
        }
        else
        {
            Directory.SetLastWriteTimeUtc(FolderOf(sha256), now);
        }
    }

    // Workers of one machine may share the folder: whatever vanishes meanwhile has made room too.
    private void MakeRoom(long size, string except)
    {
        var (now, directory) = (time.GetUtcNow().UtcDateTime, new DirectoryInfo(_directory));
        foreach (var stale in directory.EnumerateFileSystemInfos("*" + PartExtension).Where(p => now - p.LastWriteTimeUtc > PartLifetime))
        {
            Delete(stale);
        }

        var entries = directory.EnumerateFileSystemInfos()
            .Where(e => e.Extension is Extension or FolderExtension && NameOf(e) != except && e.Exists)
            .OrderBy(e => e.LastWriteTimeUtc)
            .Select(e => (Entry: e, Bytes: BytesOf(e)))
            .ToList();
        var total = entries.Sum(e => e.Bytes) + size;
        foreach (var (entry, bytes) in entries.TakeWhile(_ => total > options.Value.CacheBytes))
        {
            // Under the lock: whoever holds it from now on finds it gone, and fetches it.
            lock (_held)
            {
                if (_held.ContainsKey(NameOf(entry)))
                {
                    continue;
                }

                Delete(entry);
            }

            total -= bytes;
            LogRemoved(entry.Name, options.Value.CacheBytes);
        }
    }

    private static string NameOf(FileSystemInfo entry) => Path.GetFileNameWithoutExtension(entry.Name);

    private void Release(string sha256)
    {
        lock (_held)
        {
            if (--_held[sha256] == 0)
            {
                _held.Remove(sha256);
            }
        }
    }

    private static long BytesOf(FileSystemInfo entry)
    {
        try
        {
            return ModelFolder.BytesOf(entry.FullName);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private void Delete(FileSystemInfo entry)
    {
        try
        {
            if (entry is not DirectoryInfo folder)
            {
                entry.Delete();
            }
            else if (SetAside(folder, out var aside))
            {
                Directory.Delete(aside, recursive: true);
            }
        }
        catch (IOException)
        {
            // Another worker is at it.
        }
    }

    // Half of a folder would look like a damaged one: it goes by another name, as a fresh one that nobody takes for what a dead process
    // left.
    private bool SetAside(DirectoryInfo folder, out string aside)
    {
        aside = PartOf(folder.Name.Split('.')[0]);
        folder.Refresh();
        if (!folder.Exists)
        {
            return false;
        }

        Directory.Move(folder.FullName, aside);
        Directory.SetLastWriteTimeUtc(aside, time.GetUtcNow().UtcDateTime);
        return true;
    }

    // Where everybody may make folders, another user may have made this one, to change what is in it.
    private void CreateDirectory()
    {
        if (options.Value.CacheDirectory.Length > 0 || OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(_directory);
            return;
        }

        const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(_directory, Own);
        if ((File.GetUnixFileMode(_directory) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != UnixFileMode.None)
        {
            throw new IOException($"{_directory} can be written by other users of this machine; remove it, or set Worker:CacheDirectory");
        }
    }

    private string FileOf(string sha256) => Path.Combine(_directory, sha256 + Extension);

    private string FolderOf(string sha256) => Path.Combine(_directory, sha256 + FolderExtension);

    private string PartOf(string sha256) => Path.Combine(_directory, $"{sha256}.{Guid.NewGuid():N}{PartExtension}");

    private sealed class Held(ArtifactFiles files, string sha256) : IDisposable
    {
        private bool _disposed;

        public void Dispose()
        {
            if (!Interlocked.Exchange(ref _disposed, true))
            {
                files.Release(sha256);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "The files of the artifact {Sha256} on this machine are damaged; they are fetched again")]
    private partial void LogDamaged(string sha256);

    [LoggerMessage(LogLevel.Information, "{File} was removed from the disk to stay within Worker:CacheBytes ({Limit})")]
    private partial void LogRemoved(string file, long limit);
}
