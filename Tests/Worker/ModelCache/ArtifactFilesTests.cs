using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.ModelCache;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace InferenceTemplate.Tests.Worker.ModelCache;

public sealed class ArtifactFilesTests : IDisposable
{
    private const int Size = 600_000;

    private readonly string _folder = Directory.CreateTempSubdirectory("artifacts-").FullName;
    private readonly FakeTimeProvider _time = new();
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

        var path = (await GetAsync(content)).Path;
        Assert.Equal(path, (await GetAsync(content)).Path);

        Assert.Equal(content, await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken));
        Assert.Equal(1, _fetches);
    }

    [Fact]
    public async Task Damaged_file_is_fetched_again()
    {
        var content = Content(1);
        var path = (await GetAsync(content)).Path;
        await using (var file = File.OpenWrite(path))
        {
            file.Position = Size / 2;
            file.WriteByte((byte)~content[Size / 2]);
        }

        Assert.Equal(content, await File.ReadAllBytesAsync((await GetAsync(content)).Path, TestContext.Current.CancellationToken));
        Assert.Equal(2, _fetches);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Files_of_an_archive_are_extracted_once_and_run_together(bool tar)
    {
        var files = ExternalModel.Files(scale: 3, shift: 10);
        var content = tar ? ExternalModel.Tar(files) : ExternalModel.Zip(files);

        var extracted = await GetAsync(content);
        var again = await GetAsync(content);

        Assert.Equal((1, extracted.Path), (_fetches, again.Path));
        Assert.Equal(files.Sum(f => f.Content.Length), again.Bytes);
        Assert.Equal([13, 16, 19, 22], Run(again.Path, [1, 2, 3, 4]));
        Assert.Equal([$"{Sha256(content)}.files"], Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("model.onnx", false)]
    [InlineData(ExternalModel.MoreData, false)]
    [InlineData(ExternalModel.MoreData, true)]
    [InlineData("../sha256sums", true)]
    public async Task Files_of_an_archive_of_which_one_is_damaged_or_gone_are_fetched_again(string name, bool gone)
    {
        var content = ExternalModel.Tar(ExternalModel.Files(scale: 3, shift: 10));
        var before = await GetAsync(content);
        var path = Path.Combine(before.Folder, name);
        if (gone)
        {
            File.Delete(path);
        }
        else
        {
            await using var file = File.OpenWrite(path);
            file.Position = file.Length / 2;
            file.WriteByte(0xEE);
        }

        Assert.Equal(gone || before.AreIntact(TestContext.Current.CancellationToken), gone);
        var after = await GetAsync(content);

        Assert.Equal(2, _fetches);
        Assert.Equal([13, 16, 19, 22], Run(after.Path, [1, 2, 3, 4]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Archive_whose_list_of_files_is_cut_short_is_fetched_again(int lines)
    {
        var content = ExternalModel.Tar(ExternalModel.Files(scale: 3, shift: 10));
        var list = Path.Combine((await GetAsync(content)).Folder, "../sha256sums");
        File.WriteAllLines(list, File.ReadAllLines(list)[..lines]);

        await GetAsync(content);

        Assert.Equal(2, _fetches);
    }

    [Fact]
    public async Task Files_of_another_archive_are_not_taken_for_its_own()
    {
        var (one, other) = (ExternalModel.Tar(ExternalModel.Files(scale: 3, shift: 10)), ExternalModel.Tar(ExternalModel.Files(scale: 2, shift: 1)));
        await GetAsync(one);
        Directory.Move(Path.Combine(_folder, $"{Sha256(one)}.files"), Path.Combine(_folder, $"{Sha256(other)}.files"));

        var files = await GetAsync(other);

        Assert.Equal([3, 5, 7, 9], Run(files.Path, [1, 2, 3, 4]));
    }

    [Fact]
    public async Task Archive_that_is_refused_leaves_nothing()
    {
        await Assert.ThrowsAsync<ModelRefusedException>(() => GetAsync(ExternalModel.Zip(("model.onnx", [1]), ("../evil.bin", [1]))));

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
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
    public async Task Store_that_falls_silent_ends_the_fetch_and_leaves_nothing()
    {
        var files = new ArtifactFiles(
            Options.Create(new ModelCacheOptions { CacheDirectory = _folder }), new ImpatientTime(), NullLogger<ArtifactFiles>.Instance);
        var silent = new Pipe();
        await silent.Writer.WriteAsync(Content(1).AsMemory(0, 1000), TestContext.Current.CancellationToken);

        var exception = await Assert.ThrowsAsync<IOException>(() => files.GetAsync(
            new string('0', 64), Size, _ => Task.FromResult(silent.Reader.AsStream()), CancellationToken.None)
            .WaitAsync(Wait.DefaultLimit, TestContext.Current.CancellationToken));

        Assert.Equal("the store sent nothing for 60 s", exception.Message);
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

    [Fact]
    public async Task Files_that_are_about_to_be_opened_make_no_room_for_others_until_they_are()
    {
        byte[][] contents = [Content(1), Content(2), Content(3), Content(4), Content(5), Content(6)];
        List<IDisposable> opening = [];
        foreach (var content in contents[..4])
        {
            // The second load of the first, as where two versions have one file.
            opening.AddRange([_files.Hold(Sha256(content)), _files.Hold(Sha256(content))]);
            await GetAsync(content);
        }

        Assert.Equal(contents[..4].Select(Name).Order(StringComparer.Ordinal), Files());
        opening[0].Dispose();
        opening[0].Dispose();
        await GetAsync(contents[4]);
        Assert.Equal(contents[..5].Select(Name).Order(StringComparer.Ordinal), Files());

        opening.ForEach(o => o.Dispose());
        await GetAsync(contents[5]);

        Assert.Equal(contents[3..].Select(Name).Order(StringComparer.Ordinal), Files());
    }

    [Fact]
    public async Task Folder_of_an_archive_goes_as_a_whole_when_the_disk_share_is_full()
    {
        var archive = ExternalModel.Zip([.. ExternalModel.Files(scale: 3, shift: 10), ("zeros.bin", new byte[Size])]);
        await GetAsync(archive);
        byte[][] contents = [Content(1), Content(2), Content(3)];
        foreach (var content in contents)
        {
            await GetAsync(content);
        }

        Assert.Equal(
            contents.Select(Name).Order(StringComparer.Ordinal),
            Directory.EnumerateFileSystemEntries(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private static float[] Run(string path, float[] row)
    {
        using var session = ModelSession.Open(new ModelFile("m", "1", path), Execution.TestModels.Cpu);
        using var instance = session.CreateInstance();
        using var outputs = instance.Run([[Requests.Floats("x", [1, 4], row)]]);
        return MemoryMarshal.Cast<byte, float>(outputs.Single().GetTensorMutableRawData()).ToArray();
    }

    private IEnumerable<string?> Files() => Directory.EnumerateFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);

    private static byte[] Content(int seed)
    {
        var content = new byte[Size];
        new Random(seed).NextBytes(content);
        return content;
    }

    private static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private static string Name(byte[] content) => $"{Sha256(content)}.onnx";

    private Task<ModelFiles> GetAsync(byte[] content)
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        return _files.GetAsync(
            Sha256(content),
            content.Length,
            _ =>
            {
                _fetches++;
                return Task.FromResult<Stream>(new MemoryStream(content));
            },
            TestContext.Current.CancellationToken);
    }

    // Whatever is waited for is over in a moment.
    private sealed class ImpatientTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new ImpatientTimer(base.CreateTimer(callback, state, Soon(dueTime), period));

        private static TimeSpan Soon(TimeSpan dueTime) => dueTime > TimeSpan.Zero ? TimeSpan.FromMilliseconds(50) : dueTime;

        private sealed class ImpatientTimer(ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Soon(dueTime), period);

            public void Dispose() => timer.Dispose();

            public ValueTask DisposeAsync() => timer.DisposeAsync();
        }
    }
}
