using System.Formats.Tar;
using System.IO.Compression;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.Models;

namespace InferenceTemplate.Tests.Worker.Models;

public sealed class ModelArchiveTests : IDisposable
{
    private const long MaxBytes = 1 << 20;

    private readonly string _root = Directory.CreateTempSubdirectory("archive-").FullName;

    private static readonly (string Name, byte[] Content) Model = ("model.onnx", [1, 2, 3]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Folder => Path.Combine(_root, "files");

    public static TheoryData<string, string> Refused => new()
    {
        { "zip: leads out", "'../evil.bin', which is not a relative path" },
        { "tar: leads out", "'../evil.bin', which is not a relative path" },
        { "zip: leads out further down", "'data/../../evil.bin', which is not a relative path" },
        { "zip: absolute", "'/tmp/evil.bin', which is not a relative path" },
        { "tar: absolute", "'/tmp/evil.bin', which is not a relative path" },
        { "zip: drive letter", "'C:evil.bin', which is not a relative path" },
        { "zip: backslash", @"'..\evil.bin', which is not a relative path" },
        { "zip: long name", "which is not a relative path of up to 255 bytes" },
        { "tar: control character", "'a?b', which is not a relative path" },
        { "zip: link", "'link.bin', which is a link, a device or of another kind" },
        { "tar: link", "'link.bin', which is a link, a device or of another kind" },
        { "tar: hard link", "'link.bin', which is a link, a device or of another kind" },
        { "tar: device", "'link.bin', which is a link, a device or of another kind" },
        { "tar: pipe", "'link.bin', which is a link, a device or of another kind" },
        { "zip: bomb", "more than the allowed 1048576 bytes together (Inspection:MemoryBytes)" },
        { "zip: bomb that lies", "cut off or damaged: the length or the checksum of 'zeros.bin'" },
        { "zip: damaged", "cut off or damaged: the length or the checksum of 'data.bin'" },
        { "tar: too large", "more than the allowed 1048576 bytes together (Inspection:MemoryBytes)" },
        { "zip: too many", "it has more than 1000 files" },
        { "tar: too many", "it has more than 1000 files" },
        { "zip: directory too large", "what describes its files is too large" },
        { "tar: header too large", "what describes its files is too large" },
        { "tar: header of gigabytes", "what describes its files is too large" },
        { "tar: header of more bytes than octal digits can say", "what describes its files is too large" },
        { "zip: twice", "'Model.onnx' is there twice" },
        { "tar: twice", "'model.onnx' is there twice" },
        { "tar: file as folder", "'model.onnx/data.bin' is there twice" },
        { "zip: two models", "several .onnx files and none of them is model.onnx: a.onnx, b.onnx" },
        { "zip: no model", "no .onnx file at its root" },
        { "zip: model beside a folder", "no .onnx file at its root" },
        { "zip: empty", "no .onnx file at its root" },
        { "zip: garbled", "the archive can't be read" },
        { "zip: cut off", "the archive can't be read" },
        { "tar: cut off", "cut off or damaged: the length or the checksum of 'large.bin'" },
    };

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [MemberData(nameof(Refused))]
    public void Archive_is_refused_with_its_reason_and_leaves_nothing(string name, string reason)
    {
        var refused = Assert.Throws<ModelRefusedException>(() => Extract(Make(name)));

        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_root, refused.Message, StringComparison.Ordinal);
        Assert.Equal(["archive"], Directory.EnumerateFileSystemEntries(_root).Select(Path.GetFileName));
        Assert.False(File.Exists("/tmp/evil.bin"));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("", true)]
    [InlineData("my-model/", false)]
    [InlineData("my-model/", true)]
    [InlineData("./", true)]
    public void Files_are_extracted_with_their_hashes_from_the_root_or_the_one_folder_that_holds_all(string folder, bool tar)
    {
        var files = ExternalModel.Files(scale: 2, shift: 1, folder);

        var extracted = Extract(tar ? ExternalModel.Tar(files) : ExternalModel.Zip(files));

        var within = folder.TrimStart('.', '/');
        Assert.Equal(Path.Combine(Folder, within, "model.onnx"), ModelFolder.FindModel(Folder));
        Assert.Equal(files.Select(f => f.Content.Length).Sum(), ModelFolder.BytesOf(Folder));
        foreach (var ((name, content), file) in files.Zip(extracted))
        {
            Assert.Equal(
                (within + name[folder.Length..], Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content))),
                (file.Name, file.Sha256));
            Assert.Equal(content, File.ReadAllBytes(Path.Combine(Folder, file.Name)));
        }
    }

    [Fact]
    public void What_a_Mac_adds_is_left_out()
    {
        Extract(ExternalModel.Zip(
            ("m/", []), ("m/net.onnx", [1]), ("m/.DS_Store", [2]), ("m/._net.onnx", [3]), ("__MACOSX/m/._net.onnx", [4])));

        Assert.Equal(
            [Path.Combine(Folder, "m", "net.onnx")], Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void Model_onnx_is_taken_where_there_are_several()
    {
        Extract(ExternalModel.Zip(Model, ("a.onnx", [1]), ("b.onnx", [2])));

        Assert.Equal("model.onnx", Path.GetFileName(ModelFolder.FindModel(Folder)));
    }

    [Fact]
    public void As_many_files_and_bytes_as_are_allowed_are_taken()
    {
        var size = (int)MaxBytes / ModelFileNames.MaxFiles;

        Extract(ExternalModel.Tar([.. Many(ModelFileNames.MaxFiles - 1, size), ("model.onnx", new byte[size])]));

        Assert.Equal(ModelFileNames.MaxFiles, Directory.EnumerateFiles(Folder).Count());
    }

    private static byte[] Make(string name) => name switch
    {
        "zip: leads out" => ExternalModel.Zip(Model, ("../evil.bin", [1])),
        "tar: leads out" => ExternalModel.Tar(Model, ("../evil.bin", [1])),
        "zip: leads out further down" => ExternalModel.Zip(Model, ("data/../../evil.bin", [1])),
        "zip: absolute" => ExternalModel.Zip(Model, ("/tmp/evil.bin", [1])),
        "tar: absolute" => ExternalModel.Tar(Model, ("/tmp/evil.bin", [1])),
        "zip: drive letter" => ExternalModel.Zip(Model, ("C:evil.bin", [1])),
        "zip: backslash" => ExternalModel.Zip(Model, (@"..\evil.bin", [1])),
        "zip: long name" => ExternalModel.Zip(Model, (new string('n', 256), [1])),
        "tar: control character" => ExternalModel.Tar(Model, ("a\tb", [1])),
        "zip: link" => ZipLink(),
        "tar: link" => TarSpecial(new PaxTarEntry(TarEntryType.SymbolicLink, "link.bin") { LinkName = "/etc/passwd" }),
        "tar: hard link" => TarSpecial(new PaxTarEntry(TarEntryType.HardLink, "link.bin") { LinkName = "model.onnx" }),
        "tar: device" => TarSpecial(new PaxTarEntry(TarEntryType.CharacterDevice, "link.bin") { DeviceMajor = 1, DeviceMinor = 5 }),
        "tar: pipe" => TarSpecial(new PaxTarEntry(TarEntryType.Fifo, "link.bin")),
        "zip: bomb" => ExternalModel.Zip(Model, ("zeros.bin", new byte[64 << 20])),
        "zip: bomb that lies" => Lying(ExternalModel.Zip(("zeros.bin", new byte[64 << 20]), Model)),
        "zip: damaged" => Damaged(),
        "tar: too large" => ExternalModel.Tar(Model, ("zeros.bin", new byte[MaxBytes])),
        "zip: too many" => ExternalModel.Zip([Model, .. Many(ModelFileNames.MaxFiles, 0)]),
        "tar: too many" => ExternalModel.Tar([Model, .. Many(ModelFileNames.MaxFiles, 0)]),
        "zip: directory too large" => ExternalModel.Zip([Model, .. Many(40_000, 0, new string('f', 80))]),
        "tar: header too large" => TarSpecial(new PaxTarEntry(
            TarEntryType.RegularFile, "data.bin", [new("comment", new string('c', 100_000))])),
        "tar: header of gigabytes" => TarHeader('L', "27777777707"u8),
        "tar: header of more bytes than octal digits can say" => TarHeader('x', [0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
        "zip: twice" => ExternalModel.Zip(Model, ("Model.onnx", [1])),
        "tar: twice" => ExternalModel.Tar(Model, ("./model.onnx", [1])),
        "tar: file as folder" => ExternalModel.Tar(Model, ("model.onnx/data.bin", [1])),
        "zip: two models" => ExternalModel.Zip(("a.onnx", [1]), ("b.onnx", [1])),
        "zip: no model" => ExternalModel.Zip(("archive/data.pkl", [1]), ("archive/version", [1])),
        "zip: model beside a folder" => ExternalModel.Zip(("a/model.onnx", [1]), ("README.md", [1])),
        "zip: empty" => ExternalModel.Zip(),
        "zip: garbled" => [.. "PK\x03\x04"u8, .. new byte[1000]],
        "zip: cut off" => ExternalModel.Zip(Model, ("data.bin", new byte[1000]))[..^30],
        "tar: cut off" => ExternalModel.Tar(Model, ("large.bin", new byte[10_000]))[..^8192],
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
    };

    private static IEnumerable<(string Name, byte[] Content)> Many(int count, int size, string prefix = "f") =>
        Enumerable.Range(0, count).Select(i => ($"{prefix}{i}", new byte[size]));

    private static byte[] TarSpecial(TarEntry entry) =>
        ExternalModel.Tar([new PaxTarEntry(TarEntryType.RegularFile, "model.onnx") { DataStream = new MemoryStream([1]) }, entry]);

    private static byte[] TarHeader(char type, ReadOnlySpan<byte> size)
    {
        var block = new byte[1024];
        "././@LongLink"u8.CopyTo(block);
        size.CopyTo(block.AsSpan(124));
        "        "u8.CopyTo(block.AsSpan(148));
        block[156] = (byte)type;
        "ustar\000"u8.CopyTo(block.AsSpan(257));
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(block.Sum(b => b), 8).PadLeft(6, '0') + "\0 ").CopyTo(block, 148);
        return block;
    }

    private static byte[] ZipLink()
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            zip.CreateEntry("model.onnx");
            var link = zip.CreateEntry("link.bin");
            link.ExternalAttributes = unchecked((int)0xA1FF0000);
            using var target = link.Open();
            target.Write("/etc/passwd"u8);
        }

        return bytes.ToArray();
    }

    // The sizes of the first file, in its header and in the directory, become 10.
    private static byte[] Lying(byte[] zip)
    {
        var directory = zip.AsSpan().IndexOf("PK\x01\x02"u8);
        BitConverter.TryWriteBytes(zip.AsSpan(22), 10);
        BitConverter.TryWriteBytes(zip.AsSpan(directory + 24), 10);
        return zip;
    }

    // What does not shrink is stored as it is: a byte of it changes nothing else.
    private static byte[] Damaged()
    {
        var data = new byte[1000];
        new Random(1).NextBytes(data);
        var zip = ExternalModel.Zip(Model, ("data.bin", data));
        zip[zip.AsSpan().IndexOf(data.AsSpan(500, 100))] ^= 1;
        return zip;
    }

    private IReadOnlyList<HashedFile> Extract(byte[] archive)
    {
        var path = Path.Combine(_root, "archive");
        File.WriteAllBytes(path, archive);
        return ModelArchive.Extract(path, Folder, MaxBytes, Cancellation);
    }
}
