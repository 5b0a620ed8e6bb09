using System.Runtime.InteropServices;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Tests.Unit.Api.Drift;

public sealed class DriftSampleTests
{
    [Fact]
    public void Values_are_read_as_their_datatype_has_them()
    {
        Tensor[] inputs =
        [
            Of("i8", Datatype.Int8, (sbyte)-5), Of("i64", Datatype.Int64, -7L), Of("f16", Datatype.Fp16, (Half)1.5),
            Of("bf16", Datatype.Bf16, (ushort)(BitConverter.SingleToInt32Bits(2.5f) >> 16)), Of("f64", Datatype.Fp64, double.NaN),
            Of("b", Datatype.Bool, (byte)1), new("empty", Datatype.Fp32, [0], default),
            new("text", Datatype.Bytes, [1], new byte[] { 1, 0, 0, 0, 65 }),
        ];

        var sample = DriftSample.Of(Version(), "stable", inputs, [], new Random(1));

        Assert.Equal(["i8", "i64", "f16", "bf16", "f64", "b", "empty"], sample.Tensors.Select(t => t.Name));
        Assert.Equal([-5, -7, 1.5, 2.5, double.NaN, 1], sample.Tensors.SkipLast(1).Select(t => Assert.Single(t.Values)));
        Assert.Empty(sample.Tensors[^1].Values);
    }

    [Fact]
    public void Sample_is_bounded_and_is_of_the_whole_tensor()
    {
        var large = Of("x", Datatype.Int32, Enumerable.Range(0, 32_000).ToArray());
        Tensor[] inputs = [.. Enumerable.Repeat(large, 20)];

        var sample = DriftSample.Of(Version(), "stable", inputs, [], new Random(1));

        Assert.Equal(DriftSample.MaxTensors, sample.Tensors.Count);
        Assert.Equal(Enumerable.Range(0, DriftSample.MaxValues), sample.Tensors[0].Values.Select(v => (int)v / 1_000));
    }

    [Fact]
    public void Outputs_of_whole_numbers_are_categories_and_rows_of_likelihoods_have_a_class()
    {
        Tensor[] outputs =
        [
            Of("label", Datatype.Int64, -1L, 65L),
            new("p", Datatype.Fp32, [3, 2], MemoryMarshal.AsBytes<float>([0.1f, 0.9f, 0.8f, 0.2f, float.NaN, float.NaN]).ToArray()),
            new("embedding", Datatype.Fp32, [1, 384], new byte[384 * 4]),
        ];

        var tensors = DriftSample.Of(Version(), "stable", [], outputs, new Random(1)).Tensors;

        Assert.Equal(
            [("label", "categories"), ("p", "numbers"), ("p", "class"), ("embedding", "numbers")],
            tensors.Select(t => (t.Name, t.Kind)));
        Assert.Equal([63, 1], tensors[0].Values);
        Assert.Equal([1, 0, double.NaN], tensors[2].Values);
    }

    internal static ModelVersion Version() => new()
    {
        Model = "m",
        Version = "1",
        Platform = "onnx",
        Sha256 = "",
        Signature = new ModelSignature([], []),
    };

    private static Tensor Of<T>(string name, Datatype datatype, params T[] values)
        where T : unmanaged => new(name, datatype, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
}
