using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Worker.Images;

/// <summary>The numbers that a model gets of an image, against what they have to be.</summary>
public sealed class ImageTensorTests
{
    private static readonly long[] s_nchw = [-1, 3, -1, -1];

    [Theory]
    [InlineData("nchw", "rgb")]
    [InlineData("nchw", "bgr")]
    [InlineData("nhwc", "rgb")]
    [InlineData("nhwc", "bgr")]
    public void Image_of_the_models_size_keeps_each_pixel_in_the_layout_and_order_that_are_said(string layout, string channels)
    {
        var pixels = ImageModel.Pixels(
            $$"""{"layout": "{{layout}}", "width": 5, "height": 4, "resize": "stretch", "channels": "{{channels}}", "scale": 1}""",
            layout == "nchw" ? [-1, 3, 4, 5] : [-1, 4, 5, 3], ImageFiles.PatternPng(5, 4));

        for (var (y, x) = (0, 0); y < 4; (y, x) = x == 4 ? (y + 1, 0) : (y, x + 1))
        {
            var (r, g, b) = ImageFiles.Pattern(x, y);
            float[] expected = channels == "rgb" ? [r, g, b] : [b, g, r];
            for (var c = 0; c < 3; c++)
            {
                Assert.Equal(expected[c], pixels[layout == "nchw" ? (((c * 4) + y) * 5) + x : (((y * 5) + x) * 3) + c]);
            }
        }
    }

    [Fact]
    public void Values_are_multiplied_by_the_scale_then_lose_the_mean_and_are_divided_by_the_deviation()
    {
        var file = ImageFiles.Png(1, 1, (_, _) => (255, 51, 0));
        const string Rest = "\"layout\": \"nchw\", \"width\": 1, \"height\": 1, \"resize\": \"stretch\"";

        AssertClose([1, 0.2f, 0], ImageModel.Pixels($"{{{Rest}}}", s_nchw, file), 1e-6);
        AssertClose(
            [(1 - 0.485f) / 0.229f, (0.2f - 0.456f) / 0.224f, -0.406f / 0.225f],
            ImageModel.Pixels($"{{{Rest}, \"mean\": [0.485, 0.456, 0.406], \"std\": [0.229, 0.224, 0.225]}}", s_nchw, file), 1e-5);
        AssertClose(
            [(0 - 103.5f) / 2, (51 - 116.25f) / 4, (255 - 123.5f) / 8],
            ImageModel.Pixels(
                $"{{{Rest}, \"channels\": \"bgr\", \"scale\": 1, \"mean\": [103.5, 116.25, 123.5], \"std\": [2, 4, 8]}}", s_nchw, file),
            1e-4);
    }

    [Fact]
    public void Gray_is_the_brightness_of_the_three_channels()
    {
        const string Settings =
            """{"layout": "nhwc", "width": 3, "height": 1, "resize": "stretch", "channels": "gray", "scale": 1, "mean": [1], "std": [2]}""";
        var file = ImageFiles.Png(3, 1, (x, _) => x switch { 0 => (255, 0, 0), 1 => (0, 255, 0), _ => (10, 20, 40) });

        AssertClose(
            [((255 * 0.299f) - 1) / 2, ((255 * 0.587f) - 1) / 2, ((10 * 0.299f) + (20 * 0.587f) + (40 * 0.114f) - 1) / 2],
            ImageModel.Pixels(Settings, [-1, 1, 3, 1], file), 1e-4);
    }

    [Fact]
    public void Input_of_bytes_gets_values_rounded()
    {
        using var model = new ImageModel(
            ImageModel.Echo(OnnxModel.Uint8, -1, 1, 2, 3), """{"layout": "nhwc", "width": 2, "height": 1, "resize": "stretch"}""");
        using var session = model.Open();
        using var instance = session.CreateInstance();

        using var outputs = instance.Run([ImageModel.Request(ImageFiles.Png(4, 1, (x, _) => ((byte)(10 * x), (byte)(x % 2), 255)))]);

        // Two of four: weights 3 and 1 within, and 2 at most to the side, where there is nothing beyond the edge.
        var edge = ((0 * 0.75) + (10 * 0.75) + (20 * 0.25)) / 1.75;
        Assert.Equal(
            [(byte)Math.Round(edge), (byte)Math.Round(1 / 1.75 * 0.75), 255, (byte)Math.Round(30 - edge), 1, 255],
            outputs[0].GetTensorDataAsSpan<byte>().ToArray());
    }

    // Made by Pillow 9.4 of the same pixels, which rounds to whole numbers once more, between the axes.
    [Theory]
    [InlineData("bilinear", 5, 4, 1, "48,112,38,133,131,111,151,133,144,73,124,150,158,130,127", "150,135,114", "166,124,127")]
    [InlineData("bilinear", 17, 11, 1, "0,0,0,24,59,5,52,128,16,81,153,34,109,27,61", "60,167,37", "135,137,130")]
    [InlineData("bicubic", 5, 4, 1, "39,108,27,140,132,110,153,136,150,62,123,153,163,131,127", "152,135,113", "165,125,130")]
    [InlineData("bicubic", 17, 11, 1, "0,0,0,22,51,2,52,139,13,81,163,32,109,18,60", "59,185,34", "135,138,130")]
    [InlineData("nearest", 5, 4, 0, "48,144,36,122,70,92,233,87,25,88,104,84,162,30,108", "255,193,83", "228,92,26")]
    [InlineData("nearest", 17, 11, 0, "0,0,0,37,91,7,37,91,7,74,182,28,111,17,63", "48,144,36", "133,123,121")]
    public void Resizing_gives_what_pillow_gives(string filter, int width, int height, int tolerance, string top, string at21, string at43)
    {
        var pixels = ImageModel.Pixels(
            $$"""{"layout": "nhwc", "width": {{width}}, "height": {{height}}, "resize": "stretch", "filter": "{{filter}}", "scale": 1}""",
            [-1, -1, -1, 3], ImageFiles.PatternPng(13, 9));

        AssertClose(Numbers(top), pixels[..15], tolerance + 0.5);
        AssertClose(Numbers(at21), pixels.AsSpan(((1 * width) + 2) * 3, 3).ToArray(), tolerance + 0.5);
        AssertClose(Numbers(at43), pixels.AsSpan(((3 * width) + 4) * 3, 3).ToArray(), tolerance + 0.5);
    }

    [Theory]
    [InlineData(13, 9, 7, 5)]
    [InlineData(5, 40, 9, 3)]
    [InlineData(64, 3, 2, 6)]
    public void Bilinear_resizing_is_the_weighted_mean_of_the_pixels_within_reach(int width, int height, int wanted, int high)
    {
        var pixels = ImageModel.Pixels(
            $$"""{"layout": "nhwc", "width": {{wanted}}, "height": {{high}}, "resize": "stretch", "scale": 1}""",
            [-1, -1, -1, 3], ImageFiles.PatternPng(width, height));

        for (var i = 0; i < wanted * high; i++)
        {
            var (r, g, b) = Mean(width, height, (double)width / wanted, (double)height / high, i % wanted, i / wanted);
            AssertClose([r, g, b], pixels.AsSpan(i * 3, 3).ToArray(), 0.01);
        }
    }

    [Theory]
    [InlineData(8, 4, 3, 2, 3, 2, 0)]
    [InlineData(4, 8, 2, 3, 3, 0, 2)]
    public void Center_crop_takes_the_middle_of_the_image_whose_shorter_side_was_fitted(
        int width, int height, int wanted, int high, int side, int left, int top)
    {
        // By nearest pixels, so that each can be named.
        var pixels = ImageModel.Pixels(
            $$"""
              {"layout": "nhwc", "width": {{wanted}}, "height": {{high}}, "resize": "center_crop", "short_side": {{side}},
               "filter": "nearest", "scale": 1}
              """,
            [-1, -1, -1, 3], ImageFiles.PatternPng(width, height));

        var scale = Math.Min(width, height) / (double)side;
        for (var i = 0; i < wanted * high; i++)
        {
            var (r, g, b) = ImageFiles.Pattern(
                (int)((left + (i % wanted) + 0.5) * scale), (int)((top + (i / wanted) + 0.5) * scale));
            Assert.Equal([r, g, b], pixels.AsSpan(i * 3, 3).ToArray());
        }
    }

    [Fact]
    public void Center_crop_of_the_models_size_leaves_out_the_sides_alone()
    {
        var pixels = ImageModel.Pixels(
            """{"layout": "nhwc", "width": 4, "height": 4, "resize": "center_crop", "scale": 1}""", [-1, 4, 4, 3],
            ImageFiles.PatternPng(10, 4));

        for (var i = 0; i < 16; i++)
        {
            var (r, g, b) = ImageFiles.Pattern(3 + (i % 4), i / 4);
            Assert.Equal([r, g, b], pixels.AsSpan(i * 3, 3).ToArray());
        }
    }

    [Fact]
    public void Very_long_image_is_cropped_without_being_as_large_as_it_would_get()
    {
        // 60,000 by 1 would become 13,440,000 by 224.
        var pixels = ImageModel.Pixels(
            """{"layout": "nhwc", "width": 224, "height": 224, "resize": "center_crop", "scale": 1}""", [-1, 224, 224, 3],
            ImageFiles.Png(60_000, 1, (x, _) => ((byte)(x is 29_999 or 30_000 ? 7 : 0), 9, 11)));

        Assert.Equal([7, 9, 11], pixels[..3]);
        Assert.Equal([7, 9, 11], pixels[^3..]);
    }

    private static (float R, float G, float B) Mean(int width, int height, double scaleX, double scaleY, int column, int row)
    {
        var sums = new double[4];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var weight = Triangle(x, column, scaleX) * Triangle(y, row, scaleY);
                var (r, g, b) = ImageFiles.Pattern(x, y);
                (sums[0], sums[1], sums[2], sums[3]) =
                    (sums[0] + (weight * r), sums[1] + (weight * g), sums[2] + (weight * b), sums[3] + weight);
            }
        }

        return ((float)(sums[0] / sums[3]), (float)(sums[1] / sums[3]), (float)(sums[2] / sums[3]));
    }

    private static double Triangle(int from, int to, double scale) =>
        Math.Max(0, 1 - (Math.Abs(from + 0.5 - ((to + 0.5) * scale)) / Math.Max(1, scale)));

    private static float[] Numbers(string text) => [.. text.Split(',').Select(n => float.Parse(n, null))];

    private static void AssertClose(float[] expected, float[] actual, double tolerance) =>
        Assert.Equal(expected, actual, (a, b) => Math.Abs(a - b) <= tolerance);
}
