using System.Buffers.Binary;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Images;
using SkiaSharp;

namespace InferenceTemplate.Tests.Worker.Images;

/// <summary>What becomes of each kind of file, and which are refused before anything is decoded.</summary>
public sealed class ImageFileTests
{
    private const string TwoByTwo =
        """{"layout": "nhwc", "width": 2, "height": 2, "resize": "stretch", "filter": "nearest", "scale": 1}""";

    private static readonly long[] s_shape = [-1, -1, -1, 3];

    [Theory]
    [InlineData(ImageFiles.CmykJpeg, 12)]
    [InlineData(ImageFiles.ProgressiveJpeg, 6)]
    public void Jpeg_of_four_inks_or_of_many_scans_has_the_colors_that_are_seen(string base64, int tolerance)
    {
        float[] expected = [200, 40, 40, 30, 60, 220, 200, 40, 40, 30, 60, 220];

        foreach (var file in (byte[][])[Convert.FromBase64String(base64), System.Text.Encoding.ASCII.GetBytes(base64)])
        {
            Assert.Equal(expected, ImageModel.Pixels(TwoByTwo, s_shape, file), (a, b) => Math.Abs(a - b) <= tolerance);
        }
    }

    [Fact]
    public void Gray_jpeg_has_three_equal_channels()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(16, 16, SKColorType.Gray8, SKAlphaType.Opaque));
        bitmap.Erase(new SKColor(90, 90, 90));
        using var file = bitmap.Encode(SKEncodedImageFormat.Jpeg, 100);
        using var codec = SKCodec.Create(file);

        Assert.Equal(SKColorType.Gray8, codec.Info.ColorType);
        Assert.Equal(
            Enumerable.Repeat(90f, 12), ImageModel.Pixels(TwoByTwo, s_shape, file.ToArray()), (a, b) => Math.Abs(a - b) <= 2);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 2)]
    [InlineData(4, 1)]
    [InlineData(5, 3)]
    [InlineData(6, 3)]
    [InlineData(7, 4)]
    [InlineData(8, 4)]
    public void Photograph_is_turned_as_its_exif_says(int orientation, int side)
    {
        // Red is at the left (1), right (2), top (3) or bottom (4) of what is looked at.
        var pixels = ImageModel.Pixels(TwoByTwo, s_shape, ImageFiles.Oriented(ImageFiles.Jpeg(64, 32), orientation));

        bool[] red = [.. Enumerable.Range(0, 4).Select(i => pixels[i * 3] > pixels[(i * 3) + 2])];
        Assert.Equal(
            side switch
            {
                1 => [true, false, true, false],
                2 => [false, true, false, true],
                3 => [true, true, false, false],
                _ => (bool[])[false, false, true, true],
            },
            red);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Each_pixel_comes_to_where_its_orientation_puts_it(int orientation)
    {
        // Three by two: by their letters, and as each orientation shows them (TIFF 6.0).
        const int Width = 3;
        uint[] stored = [.. "abcdef".Select(letter => letter | 0xFF00_0000u)];
        var shown = new[] { "abc/def", "cba/fed", "fed/cba", "def/abc", "ad/be/cf", "da/eb/fc", "fc/eb/da", "cf/be/ad" }[orientation - 1];

        var pixels = OrientedPixels.Of(stored, Width, 2, (SKEncodedOrigin)orientation);

        var lines = new List<string>();
        for (var y = 0; y < pixels.Height; y++)
        {
            var row = new System.Numerics.Vector4[pixels.Width];
            pixels.Read(y, 0, row);
            lines.Add(string.Concat(row.Select(pixel => (char)pixel.X)));
        }

        Assert.Equal(shown, string.Join('/', lines));
    }

    [Fact]
    public void Pngs_of_every_kind_have_the_colors_that_are_seen()
    {
        const string OneByOne = """{"layout": "nhwc", "width": 1, "height": 1, "resize": "stretch", "scale": 1}""";
        (string Kind, byte[] File, float[] Color)[] kinds =
        [
            ("gray", ImageFiles.Png(1, 1, 8, 0, [0, 77]), [77, 77, 77]),
            ("one bit", ImageFiles.Png(1, 1, 1, 0, [0, 0x80]), [255, 255, 255]),
            ("16 bits", ImageFiles.Png(1, 1, 16, 2, [0, 200, 200, 40, 40, 3, 3]), [200, 40, 3]),
            ("palette", ImageFiles.Png(1, 1, 8, 3, [0, 1], ("PLTE", [1, 2, 3, 4, 5, 6])), [4, 5, 6]),
            ("transparent palette", ImageFiles.Png(1, 1, 8, 3, [0, 1], ("PLTE", [1, 2, 3, 4, 5, 6]), ("tRNS", [255, 0])), [255, 255, 255]),
            ("gray and alpha", ImageFiles.Png(1, 1, 8, 4, [0, 100, 255]), [100, 100, 100]),
            ("nothing to be seen", ImageFiles.Png(1, 1, 8, 6, [0, 1, 2, 3, 0]), [255, 255, 255]),
            ("half of it seen", ImageFiles.Png(1, 1, 8, 6, [0, 200, 0, 100, 51]), [244, 204, 224]),
            ("a gamma, which is not applied", ImageFiles.Png(1, 1, 8, 2, [0, 10, 100, 200], ("gAMA", [0, 0, 0x27, 0x10])), [10, 100, 200]),
            (
                "an animation, whose default image it is",
                ImageFiles.Png(1, 1, 8, 2, [0, 10, 20, 30], ("acTL", [0, 0, 0, 2, 0, 0, 0, 0]), ("fcTL", new byte[26])), [10, 20, 30]
            ),
        ];

        foreach (var (kind, file, color) in kinds)
        {
            var pixels = ImageModel.Pixels(OneByOne, s_shape, file);
            Assert.True(color.Zip(pixels).All(p => Math.Abs(p.First - p.Second) <= 1), $"{kind}: {string.Join(", ", pixels)}");
        }
    }

    [Fact]
    public void Base64_may_be_a_data_url()
    {
        var url = $"data:image/png;base64,{Convert.ToBase64String(ImageFiles.PatternPng(2, 2))}";

        Assert.Equal(
            ImageModel.Pixels(TwoByTwo, s_shape, ImageFiles.PatternPng(2, 2)),
            ImageModel.Pixels(TwoByTwo, s_shape, System.Text.Encoding.ASCII.GetBytes(url)));
    }

    [Fact]
    public void Base64_may_have_lines()
    {
        var text = Convert.ToBase64String(ImageFiles.PatternPng(2, 2), Base64FormattingOptions.InsertLineBreaks);

        Assert.Equal(
            ImageModel.Pixels(TwoByTwo, s_shape, ImageFiles.PatternPng(2, 2)),
            ImageModel.Pixels(TwoByTwo, s_shape, System.Text.Encoding.ASCII.GetBytes(text)));
    }

    public static TheoryData<string, string> Refusals => new()
    {
        { "nothing", "is neither a JPEG nor a PNG, nor the base64 of one" },
        { "text", "is neither a JPEG nor a PNG, nor the base64 of one" },
        { "gif", "is neither a JPEG nor a PNG, nor the base64 of one" },
        { "webp", "is neither a JPEG nor a PNG, nor the base64 of one" },
        { "bmp", "is neither a JPEG nor a PNG, nor the base64 of one" },
        { "base64 of a gif", "is neither a JPEG nor a PNG, nor the base64 of one" },
        { "base64 of base64", "is neither a JPEG nor a PNG, nor the base64 of one" },
        { "jpeg without a header", "can't be decoded: it is cut off, or has no end" },
        { "png without a header", "can't be decoded: its header is cut off or damaged" },
        { "png of zeros", "can't be decoded: it is cut off or damaged" },
        { "wide png", "has 70000 x 1 pixels; at most 25000000 are decoded (Worker:MaxImagePixels), 65535 a side" },
        { "bomb", "has 50000 x 50000 pixels; at most 25000000 are decoded (Worker:MaxImagePixels), 65535 a side" },
        { "many scans", "is a JPEG of 65 scans; at most 64 are decoded" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void File_that_is_no_image_or_too_large_is_refused_by_its_place(string kind, string reason)
    {
        var refused = Assert.Throws<RefusedInputException>(
            () => ImageModel.Pixels(ImageModel.Settings, [-1, 3, 3, 4], ImageFiles.PatternPng(2, 2), Make(kind)));

        Assert.StartsWith($"image 1 of input 'image' {reason}", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100, 0xDA)]
    [InlineData(1, 0xDA)]
    [InlineData(1, 0xD8)]
    public void Bytes_behind_the_end_of_a_photo_as_phones_write_them_do_not_count(int times, byte marker)
    {
        var photo = ImageFiles.Jpeg(24, 24, 80, ImageFiles.Pattern);
        byte[] video = [.. Enumerable.Range(0, times).SelectMany(_ => (byte[])[1, 2, 0xFF, marker, 0xFF])];

        Assert.Equal(
            ImageModel.Pixels(ImageModel.Settings, [-1, 3, 3, 4], photo),
            ImageModel.Pixels(ImageModel.Settings, [-1, 3, 3, 4], [.. photo, .. video]));
    }

    [Fact]
    public void File_that_is_cut_off_anywhere_is_refused()
    {
        using var model = new ImageModel(ImageModel.Echo(OnnxModel.Float, -1, 3, 3, 4));
        using var session = model.Open();
        using var instance = session.CreateInstance();
        var (jpeg, png) = (ImageFiles.Jpeg(24, 24, 80, ImageFiles.Pattern), ImageFiles.PatternPng(16, 16));
        var progressive = Convert.FromBase64String(ImageFiles.ProgressiveJpeg);

        // Behind the pixels of a PNG come their checksums, and 12 bytes that say that it ends.
        foreach (var (file, end) in new[] { (jpeg, jpeg.Length), (progressive, progressive.Length), (png, png.Length - 24) })
        {
            instance.Run([ImageModel.Request(file)]).Dispose();
            for (var length = 0; length < end; length++)
            {
                Assert.Throws<RefusedInputException>(() => instance.Run([ImageModel.Request(file[..length])]));
            }
        }
    }

    [Fact]
    public void Limits_are_those_of_the_worker()
    {
        using var model = new ImageModel(ImageModel.Echo(OnnxModel.Float, -1, 3, 3, 4));
        var file = ImageFiles.PatternPng(10, 10);
        using var session = model.Open(limits: new ImageLimits(100, file.Length));
        using var instance = session.CreateInstance();

        instance.Run([ImageModel.Request(file)]).Dispose();
        instance.Run([ImageModel.Base64Request(file)]).Dispose();

        Assert.Equal(
            $"image 0 of input 'image' has {file.Length + 1} bytes; at most {file.Length} are decoded (Worker:MaxImageBytes)",
            Refusal([.. file, 0]));
        Assert.StartsWith("image 0 of input 'image' has 11 x 10 pixels; at most 100", Refusal(ImageFiles.Png(11, 10, (_, _) => (1, 2, 3))),
            StringComparison.Ordinal);
        Assert.Contains("at most", Assert.Throws<RefusedInputException>(
            () => instance.Run([ImageModel.Base64Request(new byte[file.Length + 10])])).Message, StringComparison.Ordinal);

        string Refusal(byte[] image) => Assert.Throws<RefusedInputException>(() => instance.Run([ImageModel.Request(image)])).Message;
    }

    private static byte[] Make(string kind) => kind switch
    {
        "nothing" => [],
        "text" => "a cat, seen from behind"u8.ToArray(),
        "gif" => "GIF89a"u8.ToArray(),
        "webp" => "RIFF....WEBPVP8 "u8.ToArray(),
        "bmp" => [.. "BM"u8, .. new byte[60]],
        "base64 of a gif" => "R0lGODlhAQABAAAAACw="u8.ToArray(),
        "base64 of base64" => System.Text.Encoding.ASCII.GetBytes(
            Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(ImageFiles.PatternPng(2, 2))))),
        "jpeg without a header" => [0xFF, 0xD8, 0xFF, 0xE0],
        "png without a header" => ImageFiles.PatternPng(2, 2)[..16],
        "png of zeros" => Emptied(ImageFiles.PatternPng(64, 64)),
        "wide png" => ImageFiles.Png(70_000, 1, (_, _) => (1, 2, 3)),
        "bomb" => Bomb(),
        "many scans" =>
            [.. ImageFiles.Jpeg(16, 16)[..^2], .. Enumerable.Repeat<byte[]>([0xFF, 0xDA, 0, 2], 64).SelectMany(scan => scan), 0xFF, 0xD9],
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static byte[] Emptied(byte[] png)
    {
        png.AsSpan(60, 400).Clear();
        return png;
    }

    // Some kilobytes that would take 10 GB.
    private static byte[] Bomb()
    {
        var png = ImageFiles.Png(50_000, 50_000, 1, 0, new byte[1000]);
        Assert.Equal(50_000, BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)));
        return png;
    }
}
