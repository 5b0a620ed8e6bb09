namespace InferenceTemplate.Data.Artifacts;

/// <summary>What an artifact is: one ONNX file, or an archive of that and of the files with its data.</summary>
public enum ArtifactFormat
{
    Onnx,
    Zip,
    Tar,
}

/// <summary>Formats are told by the first bytes: what a sender says of them is not kept.</summary>
public static class ArtifactFormats
{
    /// <summary>How many bytes tell it; fewer where there are no more.</summary>
    public const int HeadBytes = 262;

    private const int TarMagicAt = 257;

    public static ArtifactFormat Of(ReadOnlySpan<byte> head) =>
        head.StartsWith("PK\x03\x04"u8) || head.StartsWith("PK\x05\x06"u8) ? ArtifactFormat.Zip
        : head.Length >= HeadBytes && head[TarMagicAt..].StartsWith("ustar"u8) ? ArtifactFormat.Tar
        : ArtifactFormat.Onnx;

    public static ArtifactFormat OfFile(string path)
    {
        using var file = File.OpenRead(path);
        var head = new byte[HeadBytes];
        return Of(head.AsSpan(0, file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)));
    }

    public static string ContentType(this ArtifactFormat format) => format switch
    {
        ArtifactFormat.Zip => "application/zip",
        ArtifactFormat.Tar => "application/x-tar",
        _ => "application/octet-stream",
    };

    /// <summary>With its dot.</summary>
    public static string Extension(this ArtifactFormat format) => format switch
    {
        ArtifactFormat.Zip => ".zip",
        ArtifactFormat.Tar => ".tar",
        _ => ".onnx",
    };
}
