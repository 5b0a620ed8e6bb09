using System.Numerics;
using SkiaSharp;

namespace InferenceTemplate.Worker.Images;

/// <summary>
/// Decoded pixels as they are to be looked at, which for a photograph that was taken upright is not as they are stored: EXIF tells it.
/// </summary>
/// <param name="pixels">As they are stored: R, G, B and A, multiplied by A.</param>
/// <param name="first">Where the pixel at the upper left is.</param>
/// <param name="right">From there to the one beside it.</param>
/// <param name="down">From there to the one beneath it.</param>
internal readonly ref struct OrientedPixels(ReadOnlySpan<uint> pixels, int width, int height, int first, int right, int down)
{
    private readonly ReadOnlySpan<uint> _pixels = pixels;

    public int Width => width;

    public int Height => height;

    public static OrientedPixels Of(ReadOnlySpan<uint> pixels, int width, int height, SKEncodedOrigin origin)
    {
        var last = (height - 1) * width;
        return origin switch
        {
            SKEncodedOrigin.TopRight => new(pixels, width, height, width - 1, -1, width),
            SKEncodedOrigin.BottomRight => new(pixels, width, height, last + width - 1, -1, -width),
            SKEncodedOrigin.BottomLeft => new(pixels, width, height, last, 1, -width),
            SKEncodedOrigin.LeftTop => new(pixels, height, width, 0, width, 1),
            SKEncodedOrigin.RightTop => new(pixels, height, width, last, -width, 1),
            SKEncodedOrigin.RightBottom => new(pixels, height, width, last + width - 1, -width, -1),
            SKEncodedOrigin.LeftBottom => new(pixels, height, width, width - 1, width, -1),
            _ => new(pixels, width, height, 0, 1, width),
        };
    }

    /// <summary>Reads a part of a row, R, G and B from 0 to 255. What is transparent shows white, as paper and most pages do.</summary>
    public void Read(int y, int left, Span<Vector4> row)
    {
        var at = first + (left * right) + (y * down);
        for (var x = 0; x < row.Length; x++)
        {
            var pixel = _pixels[at];
            var white = 255 - (int)(pixel >> 24);
            row[x] = new((int)(pixel & 0xFF) + white, (int)((pixel >> 8) & 0xFF) + white, (int)((pixel >> 16) & 0xFF) + white, 0);
            at += right;
        }
    }
}
