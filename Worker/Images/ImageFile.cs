using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using InferenceTemplate.Worker.Execution;
using SkiaSharp;

namespace InferenceTemplate.Worker.Images;

/// <summary>
/// A JPEG or PNG, or its base64, since JSON has no bytes; the first byte tells which. Browsers write the latter as a data URL. What its header says is compared with the limits
/// before any pixel is decoded, and before other decoders than these two could see it.
/// </summary>
internal static class ImageFile
{
    // A progressive JPEG is computed anew for each scan; encoders write about ten.
    private const int MaxScans = 64;

    private const int LongestUrlStart = 64;

    private static readonly byte[] Jpeg = [0xFF, 0xD8, 0xFF];
    private static readonly byte[] Png = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <param name="pixels">What the images of the request may have together.</param>
    /// <param name="target">The part of the tensor that is this image's.</param>
    /// <exception cref="RefusedInputException">
    /// It is no such image, or beyond the limits; the message goes on behind what it is called.
    /// </exception>
    public static void Read(ReadOnlyMemory<byte> element, ImageLimits limits, PixelAllowance pixels, ImageTensor tensor, Span<byte> target)
    {
        element = WithoutDataUrl(element);
        if (element.Span is not [var first, ..] || !IsOfBase64(first))
        {
            Decode(element, limits, pixels, tensor, target);
            return;
        }

        // The length of base64 tells that of the file nearly.
        if (element.Length > Base64.GetMaxEncodedToUtf8Length(limits.MaxBytes))
        {
            throw TooManyBytes(Base64.GetMaxDecodedFromUtf8Length(element.Length), limits);
        }

        var file = ArrayPool<byte>.Shared.Rent(Base64.GetMaxDecodedFromUtf8Length(element.Length));
        try
        {
            if (Base64.DecodeFromUtf8(element.Span, file, out _, out var length) != OperationStatus.Done)
            {
                throw NeitherKind();
            }

            Decode(file.AsMemory(0, length), limits, pixels, tensor, target);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(file);
        }
    }

    private static ReadOnlyMemory<byte> WithoutDataUrl(ReadOnlyMemory<byte> element)
    {
        var start = element.Span[..Math.Min(element.Length, LongestUrlStart)];
        return start.StartsWith("data:image/"u8) && start.IndexOf(";base64,"u8) is > 0 and var at
            ? element[(at + ";base64,"u8.Length)..]
            : element;
    }

    private static unsafe void Decode(
        ReadOnlyMemory<byte> file, ImageLimits limits, PixelAllowance allowance, ImageTensor tensor, Span<byte> target)
    {
        if (file.Length > limits.MaxBytes)
        {
            throw TooManyBytes(file.Length, limits);
        }

        var isJpeg = file.Span.StartsWith(Jpeg);
        if (!isJpeg && !file.Span.StartsWith(Png))
        {
            throw NeitherKind();
        }

        if (isJpeg)
        {
            var scans = JpegScans.Count(file.Span)
                ?? throw new RefusedInputException("can't be decoded: it is cut off, or has no end");
            if (scans > MaxScans)
            {
                throw new RefusedInputException($"is a JPEG of {scans} scans; at most {MaxScans} are decoded");
            }
        }

        using var pinned = file.Pin();
        using var data = SKData.Create((nint)pinned.Pointer, file.Length);
        using var codec = SKCodec.Create(data);
        if (codec?.EncodedFormat is not (SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Png))
        {
            throw new RefusedInputException("can't be decoded: its header is cut off or damaged");
        }

        var (width, height) = (codec.Info.Width, codec.Info.Height);
        if ((long)width * height > limits.MaxPixels || Math.Max(width, height) > ImageLimits.MaxSide)
        {
            throw new RefusedInputException(
                $"has {width} x {height} pixels; at most {limits.MaxPixels} are decoded (Worker:MaxImagePixels), "
                + $"{ImageLimits.MaxSide} a side");
        }

        allowance.Take((long)width * height);

        // Not of the garbage collector: it would keep tens of megabytes for the next image.
        var pixels = (uint*)NativeMemory.Alloc((nuint)width * (nuint)height, sizeof(uint));
        try
        {
            // Without a color space no profile is applied: models were trained on the numbers in the files.
            var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul);
            var result = codec.GetPixels(info, (nint)pixels);
            if (result != SKCodecResult.Success)
            {
                throw new RefusedInputException($"can't be decoded: it is cut off or damaged ({result})");
            }

            tensor.Write(OrientedPixels.Of(new ReadOnlySpan<uint>(pixels, width * height), width, height, codec.EncodedOrigin), target);
        }
        finally
        {
            NativeMemory.Free(pixels);
        }
    }

    private static bool IsOfBase64(byte value) => char.IsAsciiLetterOrDigit((char)value) || value is (byte)'+' or (byte)'/';

    private static RefusedInputException NeitherKind() => new("is neither a JPEG nor a PNG, nor the base64 of one");

    private static RefusedInputException TooManyBytes(int bytes, ImageLimits limits) =>
        new($"has {bytes} bytes; at most {limits.MaxBytes} are decoded (Worker:MaxImageBytes)");
}
