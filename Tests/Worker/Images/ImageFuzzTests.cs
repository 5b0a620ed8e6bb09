using System.Globalization;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Images;

namespace InferenceTemplate.Tests.Worker.Images;

/// <summary>Alone: what others hold meanwhile is in the process's memory too.</summary>
[CollectionDefinition(nameof(ImageFuzzTests), DisableParallelization = true)]
public sealed class ImageFuzzCollection;

[Collection(nameof(ImageFuzzTests))]
public sealed class ImageFuzzTests
{
    private const int Files = 2000;
    private const long Spare = 512L << 20;

    [Fact]
    public void Damaged_files_are_answered_or_refused_and_take_no_more_memory_than_one_image_may()
    {
        using var model = new ImageModel(
            ImageModel.Small, """{"layout": "nchw", "width": 16, "height": 16, "resize": "center_crop", "filter": "bicubic"}""");
        var limits = new ImageLimits(1_000_000, 1 << 20);
        using var session = model.Open(limits: limits);
        using var instance = session.CreateInstance();
        byte[][] seeds =
        [
            ImageFiles.Jpeg(64, 48), ImageFiles.Jpeg(17, 5, quality: 30), Convert.FromBase64String(ImageFiles.ProgressiveJpeg),
            Convert.FromBase64String(ImageFiles.CmykJpeg), ImageFiles.Oriented(ImageFiles.Jpeg(40, 24), 6), ImageFiles.PatternPng(40, 30),
            ImageFiles.Png(1, 1, 8, 3, [0, 1], ("PLTE", [1, 2, 3, 4, 5, 6]), ("tRNS", [255, 0])), ImageFiles.Png(9, 9, (_, _) => (1, 2, 3)),
        ];
        var random = new Random(12);
        var (answered, refused, peak) = (0, 0, ResidentBytes());
        var before = peak;

        for (var i = 0; i < Files; i++)
        {
            try
            {
                using var outputs = instance.Run([ImageModel.Request(Damaged(seeds[random.Next(seeds.Length)], random))]);
                Assert.Equal(3, outputs[0].GetTensorDataAsSpan<float>().Length);
                Assert.DoesNotContain(outputs[0].GetTensorDataAsSpan<float>().ToArray(), value => !float.IsFinite(value));
                answered++;
            }
            catch (RefusedInputException exception)
            {
                Assert.StartsWith("image 0 of input 'image' ", exception.Message, StringComparison.Ordinal);
                refused++;
            }

            peak = Math.Max(peak, ResidentBytes());
        }

        Assert.Equal(Files, answered + refused);
        Assert.True(answered > 100 && refused > 100, $"{answered} answered, {refused} refused");
        Assert.True(peak - before < Spare, $"{peak - before} bytes");
    }

    private static byte[] Damaged(byte[] file, Random random)
    {
        var bytes = file.ToList();
        for (var changes = random.Next(1, 6); changes > 0; changes--)
        {
            // Half of them in the headers, where sizes are.
            var at = random.Next(random.Next(2) == 0 ? Math.Min(64, bytes.Count) : bytes.Count);
            var length = Math.Min(random.Next(1, 24), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(length, bytes.Count - 1));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(random.Next(bytes.Count), 1).Concat(new byte[length]));
                    break;
                case 4:
                    bytes.InsertRange(at, [0xFF, (byte)random.Next(0xC0, 0xFF), 0, (byte)random.Next(2, 20)]);
                    break;
                default:
                    bytes.RemoveRange(at + length, bytes.Count - at - length);
                    break;
            }
        }

        return [.. bytes];
    }

    private static long ResidentBytes() => OperatingSystem.IsLinux()
        ? long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize
        : 0;
}
