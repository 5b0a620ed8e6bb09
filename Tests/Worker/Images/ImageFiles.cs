using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using SkiaSharp;

namespace InferenceTemplate.Tests.Worker.Images;

/// <summary>Images in files, made by the test where a kind is what it is about.</summary>
internal static class ImageFiles
{
    /// <summary>
    /// 32 by 16: the left half of about (200, 40, 40), the right of (30, 60, 220). Inverted CMYK, as Adobe's programs write it.
    /// </summary>
    public const string CmykJpeg =
        "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwACAQEBAQECAQEBAgICAgIEAwICAgIFBAQDBAYFBgYGBQYGBgcJCAYHCQcGBggLCAkKCgoKCgYICwwLCgwJCgoK/8AAFAgA" +
        "EAAgBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGh" +
        "CCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqy" +
        "s7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD9IK/J+vyfr9/KKKKK/lXr1Cv60KKKKKK/qory+v5L" +
        "6KKKKK/lXr1Cv60KKKKKK//Z";

    /// <summary>The same picture, in RGB and in ten scans.</summary>
    public const string ProgressiveJpeg =
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBD" +
        "AQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wgARCAAQACADASIAAhEBAxEB/8QAFgABAQEA" +
        "AAAAAAAAAAAAAAAAAAUG/8QAFgEBAQEAAAAAAAAAAAAAAAAACAYH/9oADAMBAAIQAxAAAAHEib2qMEqb/wD/xAAUEAEAAAAAAAAAAAAAAAAAAAAw/9oACAEBAAEF" +
        "Ag//xAAUEQEAAAAAAAAAAAAAAAAAAAAQ/9oACAEDAQE/AT//xAAUEQEAAAAAAAAAAAAAAAAAAAAQ/9oACAECAQE/AT//xAAUEAEAAAAAAAAAAAAAAAAAAAAw/9oA" +
        "CAEBAAY/Ag//xAAUEAEAAAAAAAAAAAAAAAAAAAAw/9oACAEBAAE/IQ//2gAMAwEAAgADAAAAEPf/AP/EABQRAQAAAAAAAAAAAAAAAAAAABD/2gAIAQMBAT8QP//E" +
        "ABQRAQAAAAAAAAAAAAAAAAAAABD/2gAIAQIBAT8QP//EABQQAQAAAAAAAAAAAAAAAAAAADD/2gAIAQEAAT8QD//Z";

    private static readonly byte[] s_signature = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10];

    public static (byte R, byte G, byte B) Pattern(int x, int y) =>
        ((byte)((x * 37) + (y * 11)), (byte)((x * 91) + (y * 53)), (byte)((x * x * 7) + (y * 29)));

    /// <summary>Pixels that each differ from those beside them.</summary>
    public static byte[] PatternPng(int width, int height) => Png(width, height, Pattern);

    public static byte[] Png(int width, int height, Func<int, int, (byte R, byte G, byte B)> color) => Png(
        width, height, depth: 8, type: 2,
        [.. Enumerable.Range(0, height).SelectMany(y => Enumerable.Range(0, width).SelectMany(x => Bytes(color(x, y))).Prepend((byte)0))]);

    /// <param name="type">0 for gray, 2 for RGB, 3 for a palette, 4 for gray and alpha, 6 for RGB and alpha.</param>
    /// <param name="lines">Each with its filter's number before it.</param>
    /// <param name="chunks">Between the header and the pixels.</param>
    public static byte[] Png(int width, int height, byte depth, byte type, byte[] lines, params (string Name, byte[] Data)[] chunks)
    {
        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (depth, type);
        using var pixels = new MemoryStream();
        using (var zlib = new ZLibStream(pixels, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            zlib.Write(lines);
        }

        return
        [
            .. s_signature, .. Chunk("IHDR", header), .. chunks.SelectMany(c => Chunk(c.Name, c.Data)), .. Chunk("IDAT", pixels.ToArray()),
            .. Chunk("IEND", []),
        ];
    }

    /// <summary>Of the left half one color and of the right another.</summary>
    public static byte[] Jpeg(int width, int height, int quality = 95) =>
        Jpeg(width, height, quality, (x, _) => x < width / 2 ? ((byte)200, (byte)40, (byte)40) : ((byte)30, (byte)60, (byte)220));

    public static byte[] Jpeg(int width, int height, int quality, Func<int, int, (byte R, byte G, byte B)> color)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var (r, g, b) = color(x, y);
                bitmap.SetPixel(x, y, new SKColor(r, g, b));
            }
        }

        using var file = bitmap.Encode(SKEncodedImageFormat.Jpeg, quality);
        return file.ToArray();
    }

    /// <summary>A photograph that was taken upright or upside down, as its EXIF says.</summary>
    public static byte[] Oriented(byte[] jpeg, int orientation)
    {
        byte[] tiff =
        [
            .. "Exif\0\0MM"u8, 0, 42, 0, 0, 0, 8,
            0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, (byte)orientation, 0, 0, 0, 0, 0, 0,
        ];
        return [.. jpeg[..2], 0xFF, 0xE1, 0, (byte)(tiff.Length + 2), .. tiff, .. jpeg[2..]];
    }

    private static IEnumerable<byte> Bytes((byte R, byte G, byte B) color) => [color.R, color.G, color.B];

    private static byte[] Chunk(string name, byte[] data)
    {
        byte[] content = [.. Encoding.ASCII.GetBytes(name), .. data];
        var (length, checksum) = (new byte[sizeof(int)], new byte[sizeof(uint)]);
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(checksum, Crc32.HashToUInt32(content));
        return [.. length, .. content, .. checksum];
    }
}
