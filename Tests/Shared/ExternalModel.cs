using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace InferenceTemplate.Tests.Shared;

/// <summary>A model of three files, <c>y = x * scale + shift</c> on rows of four numbers, and the archives in which such ones come.</summary>
public static class ExternalModel
{
    public const string Data = "model.onnx.data";
    public const string MoreData = "more/shift.bin";

    /// <param name="folder">Before each name; ends with a slash where it is not empty.</param>
    public static (string Name, byte[] Content)[] Files(float scale, float shift, string folder = "")
    {
        var model = new OnnxModel().Input("x", OnnxModel.Float, -1, 4).Output("y", OnnxModel.Float, -1, 4)
            .External("scale", [4], ("location", Data), ("offset", "8"), ("length", "16"))
            .External("shift", [4], ("location", $"./{MoreData}"))
            .Node("Mul", ["x", "scale"], ["scaled"])
            .Node("Add", ["scaled", "shift"], ["y"]);
        return
        [
            ($"{folder}model.onnx", model.ToBytes()),
            ($"{folder}{Data}", [.. new byte[8], .. Four(scale)]),
            ($"{folder}{MoreData}", Four(shift)),
        ];
    }

    public static byte[] Zip(params (string Name, byte[] Content)[] files)
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                using var entry = zip.CreateEntry(name).Open();
                entry.Write(content);
            }
        }

        return bytes.ToArray();
    }

    public static byte[] Tar(params (string Name, byte[] Content)[] files) =>
        Tar(files.Select(f => new PaxTarEntry(TarEntryType.RegularFile, f.Name) { DataStream = new MemoryStream(f.Content) }));

    public static byte[] Tar(IEnumerable<TarEntry> entries)
    {
        using var bytes = new MemoryStream();
        using (var tar = new TarWriter(bytes, leaveOpen: true))
        {
            foreach (var entry in entries)
            {
                tar.WriteEntry(entry);
            }
        }

        return bytes.ToArray();
    }

    private static byte[] Four(float value) => MemoryMarshal.AsBytes(Enumerable.Repeat(value, 4).ToArray().AsSpan()).ToArray();
}
