using System.Numerics;
using System.Runtime.InteropServices;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Worker.Images;

/// <summary>Makes the numbers of one image that a model takes of decoded pixels: resized, in its layout, channels and scale.</summary>
internal sealed class ImageTensor(ImageSettings settings, Datatype datatype)
{
    // By ITU-R BT.601, as Pillow does it.
    private static readonly Vector4 Luma = new(0.299f, 0.587f, 0.114f, 0);
    private static readonly Vector4 White = new(255, 255, 255, 255);

    private readonly float[] _factors =
        [.. Enumerable.Range(0, settings.ChannelCount).Select(c => settings.ScaleOrDefault / (settings.Std?[c] ?? 1))];

    private readonly float[] _offsets =
        [.. Enumerable.Range(0, settings.ChannelCount).Select(c => -(settings.Mean?[c] ?? 0) / (settings.Std?[c] ?? 1))];

    public int BytesOfImage { get; } = settings.ChannelCount * settings.Height * settings.Width * datatype.Size();

    /// <param name="target">Of <see cref="BytesOfImage"/>.</param>
    public void Write(OrientedPixels pixels, Span<byte> target)
    {
        var (xs, ys) = (Axis(pixels.Width, pixels, settings.Width), Axis(pixels.Height, pixels, settings.Height));
        var sums = new Vector4[settings.Width * settings.Height];
        Resize(pixels, xs, ys, sums);
        for (var i = 0; i < sums.Length; i++)
        {
            // A kernel may overshoot.
            Put(target, i, Vector4.Clamp(sums[i], Vector4.Zero, White));
        }
    }

    private ResizedAxis Axis(int from, OrientedPixels pixels, int wanted)
    {
        if (settings.Resize == ImageSettings.Stretch)
        {
            return new(from, wanted, 0, wanted, settings.Filter);
        }

        // The longer side in whole pixels, and the middle from a whole pixel on, as torchvision has it.
        var resized = (long)from * settings.ShortSideOrDefault / Math.Min(pixels.Width, pixels.Height);
        return new(from, resized, Math.Round((resized - wanted) / 2.0), wanted, settings.Filter);
    }

    // A line of the image at a time, so that what is kept depends on the model's size and not the image's.
    private static void Resize(OrientedPixels pixels, ResizedAxis xs, ResizedAxis ys, Vector4[] sums)
    {
        var left = xs.Start(0);
        var line = new Vector4[xs.End(xs.Count - 1) - left];
        var resized = new Vector4[xs.Count];
        var first = 0;
        for (var y = ys.Start(0); y < ys.End(ys.Count - 1); y++)
        {
            while (ys.End(first) <= y)
            {
                first++;
            }

            if (ys.Start(first) > y)
            {
                continue;
            }

            pixels.Read(y, left, line);
            for (var i = 0; i < resized.Length; i++)
            {
                var sum = Vector4.Zero;
                var at = xs.Start(i) - left;
                foreach (var weight in xs.Weights(i))
                {
                    sum += line[at++] * weight;
                }

                resized[i] = sum;
            }

            for (var row = first; row < ys.Count && ys.Start(row) <= y; row++)
            {
                var weight = ys.Weights(row)[y - ys.Start(row)];
                var target = sums.AsSpan(row * resized.Length, resized.Length);
                for (var i = 0; i < resized.Length; i++)
                {
                    target[i] += resized[i] * weight;
                }
            }
        }
    }

    private void Put(Span<byte> target, int pixel, Vector4 color)
    {
        if (settings.Channels == ImageSettings.Gray)
        {
            Put(target, pixel, 0, Vector4.Dot(color, Luma));
            return;
        }

        var isBgr = settings.Channels == ImageSettings.Bgr;
        Put(target, pixel, isBgr ? 2 : 0, color.X);
        Put(target, pixel, 1, color.Y);
        Put(target, pixel, isBgr ? 0 : 2, color.Z);
    }

    private void Put(Span<byte> target, int pixel, int channel, float value)
    {
        var at = settings.Layout == ImageSettings.Nchw
            ? (channel * settings.Width * settings.Height) + pixel
            : (pixel * settings.ChannelCount) + channel;
        if (datatype == Datatype.Uint8)
        {
            target[at] = (byte)(value + 0.5f);
        }
        else
        {
            MemoryMarshal.Cast<byte, float>(target)[at] = (value * _factors[channel]) + _offsets[channel];
        }
    }
}
