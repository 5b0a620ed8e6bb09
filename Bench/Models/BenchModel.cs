using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace InferenceTemplate.Bench.Models;

/// <summary>A model that the benchmark serves, with the body of one request to it in each form.</summary>
/// <param name="Name">As it is served; its file is <c>{Name}/1/model.onnx</c> in the models' folder.</param>
/// <param name="Input">Name of its one input.</param>
/// <param name="Output">Name of the output that is asked for.</param>
/// <param name="Shape">Of one request, a batch of one.</param>
internal sealed record BenchModel(string Name, string Input, string Output, long[] Shape, string Path)
{
    public int Elements { get; } = (int)Shape.Aggregate(1L, (product, d) => product * d);

    /// <summary>Pixels as Python writes float32 values that became doubles: up to 17 digits, the usual hard case.</summary>
    public float[] Data { get; } = Values(Shape);

    public byte[] Json { get; } = Encoding.UTF8.GetBytes(
        $$"""{"inputs":[{"name":"{{Input}}","shape":[{{string.Join(',', Shape)}}],"datatype":"FP32","data":["""
        + string.Join(',', Values(Shape).Select(v => v.ToString(CultureInfo.InvariantCulture)))
        + $$"""]}],"outputs":[{"name":"{{Output}}"}]}""");

    public byte[] Binary { get; } = MemoryMarshal.AsBytes<float>(Values(Shape)).ToArray();

    // Grey levels between 0 and 1, as normalised pixels are; three of four are not zero.
    private static float[] Values(long[] shape)
    {
        var random = new Random(11);
        return [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (product, d) => product * d))
            .Select(i => i % 4 == 0 ? 0f : random.Next(256) / 255f)];
    }
}
