using SkiaSharp;

namespace InferenceTemplate.Worker.Images;

/// <summary>Small pictures that nobody sent: black, white, and noise of each brightness, the same ones each time.</summary>
internal static class MadeUpImages
{
    private const int Count = 12;
    private const int Width = 24;
    private const int Height = 18;

    public static IReadOnlyList<byte[]> Make()
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, Count).Select(i => Encode(i switch
        {
            0 => _ => 0,
            1 => _ => byte.MaxValue,
            _ => _ => random.Next(1 + (byte.MaxValue * (i - 1) / (Count - 2))),
        }))];
    }

    private static byte[] Encode(Func<int, int> value)
    {
        var pixels = new byte[Width * Height * sizeof(uint)];
        for (var i = 0; i < pixels.Length; i++)
        {
            pixels[i] = i % sizeof(uint) == sizeof(uint) - 1 ? byte.MaxValue : (byte)value(i);
        }

        using var image = SKImage.FromPixelCopy(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Unpremul), pixels);
        using var file = image.Encode(SKEncodedImageFormat.Png, quality: 100);
        return file.ToArray();
    }
}
