using System.Security.Cryptography;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.ModelCache;

public sealed class ArtifactFilesTests : IDisposable
{
    private const int Size = 600_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("artifacts-").FullName;
    private readonly ManualTime _time = new();
    private readonly ArtifactFiles _files;
    private int _fetches;

    public ArtifactFilesTests() => _files = new ArtifactFiles(
        Options.Create(new ModelCacheOptions { CacheDirectory = _folder, CacheBytes = 2 * 1024 * 1024 }),
        _time,
        NullLogger<ArtifactFiles>.Instance);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Artifact_is_fetched_once()
    {
        var content = Content(1);

        var path = await GetAsync(content);
        Assert.Equal(path, await GetAsync(content));

        Assert.Equal(content, await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal(1, _fetches);
    }

    [Fact]
    public async Task Damaged_file_is_fetched_again()
    {
        var content = Content(1);
        var path = await GetAsync(content);
        await using (var file = File.OpenWrite(path))
        {
            file.Position = Size / 2;
            file.WriteByte((byte)~content[Size / 2]);
        }

        Assert.Equal(content, await File.ReadAllBytesAsync(await GetAsync(content), TestContext.Current.CancellationToken));
        Assert.Equal(2, _fetches);
    }

    [Fact]
    public async Task Fetched_bytes_with_another_hash_are_refused_and_leave_nothing()
    {
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(Content(1)));

        await Assert.ThrowsAsync<InvalidDataException>(() => _files.GetAsync(
            sha256, Size, _ => Task.FromResult<Stream>(new MemoryStream(Content(2))), TestContext.Current.CancellationToken));

        Assert.Empty(Directory.EnumerateFiles(_folder));
    }

    [Fact]
    public async Task Broken_off_fetch_leaves_nothing()
    {
        await Assert.ThrowsAsync<IOException>(() => _files.GetAsync(
            new string('0', 64), Size, _ => throw new IOException("the store is away"), TestContext.Current.CancellationToken));

        Assert.Empty(Directory.EnumerateFiles(_folder));
    }

    [Fact]
    public async Task Least_recently_used_files_go_when_the_disk_share_is_full()
    {
        byte[][] contents = [Content(1), Content(2), Content(3), Content(4)];
        foreach (var content in contents[..3])
        {
            await GetAsync(content);
        }

        await GetAsync(contents[0]);
        await GetAsync(contents[3]);

        Assert.Equal(
            new[] { contents[0], contents[2], contents[3] }.Select(Name).Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private static byte[] Content(int seed)
    {
        var content = new byte[Size];
        new Random(seed).NextBytes(content);
        return content;
    }

    private static string Name(byte[] content) => $"{Convert.ToHexStringLower(SHA256.HashData(content))}.onnx";

    private Task<string> GetAsync(byte[] content)
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        return _files.GetAsync(
            Convert.ToHexStringLower(SHA256.HashData(content)),
            content.Length,
            _ =>
            {
                _fetches++;
                return Task.FromResult<Stream>(new MemoryStream(content));
            },
            TestContext.Current.CancellationToken);
    }
}
