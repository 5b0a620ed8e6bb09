using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class ClassificationTests
{
    [Fact]
    public void Highest_come_first_the_lower_index_among_equals_and_nan_last()
    {
        float[] scores = [1, float.NaN, 3, 3, float.NegativeInfinity, -2.5f];

        Assert.Equal(["3:2", "3:3", "1:0"], Classes(Datatype.Fp32, [6], scores, 3));
        Assert.Equal(["3:2", "3:3", "1:0", "-2.5:5", "-Infinity:4", "NaN:1"], Classes(Datatype.Fp32, [6], scores, 10));
    }

    [Fact]
    public void Numbers_of_every_datatype_have_classes()
    {
        Assert.Equal(["18446744073709551615:1"], Classes<ulong>(Datatype.Uint64, [2], [1, ulong.MaxValue], 1));
        Assert.Equal(["-1:0", "-9223372036854775808:1"], Classes<long>(Datatype.Int64, [2], [-1, long.MinValue], 2));
        Assert.Equal(["127:1"], Classes<sbyte>(Datatype.Int8, [2], [-128, 127], 1));
        Assert.Equal(["255:0"], Classes<byte>(Datatype.Uint8, [2], [255, 1], 1));
        Assert.Equal(["1.5:1"], Classes<Half>(Datatype.Fp16, [2], [(Half)(-1), (Half)1.5], 1));
        Assert.Equal(["1:0"], Classes<ushort>(Datatype.Bf16, [2], [0x3F80, 0xC2F7], 1));
        Assert.Equal(["1E-300:1"], Classes<double>(Datatype.Fp64, [2], [0, 1e-300], 1));
    }

    [Fact]
    public void Rows_of_a_batch_are_classified_each_and_a_tensor_without_batch_as_a_whole()
    {
        float[] scores = [1, 2, 3, 6, 5, 4];
        var batched = Apply(Version(Datatype.Fp32, TensorShape.Variable, 3), new Tensor("y", Datatype.Fp32, [2, 3], Bytes(scores)), 2);
        var whole = Apply(Version(Datatype.Fp32, 2, 3), new Tensor("y", Datatype.Fp32, [2, 3], Bytes(scores)), 2);
        var none = Apply(Version(Datatype.Fp32, TensorShape.Variable, 3), new Tensor("y", Datatype.Fp32, [0, 3], Array.Empty<byte>()), 2);

        Assert.Equal([2, 2], batched.Shape);
        Assert.Equal(["3:2", "2:1", "6:0", "5:1"], Texts(batched.Data));
        Assert.Equal([2], whole.Shape);
        Assert.Equal(["6:3", "5:4"], Texts(whole.Data));
        Assert.Equal(0, none.ElementCount);
        Assert.Empty(Texts(none.Data));
    }

    [Theory]
    [InlineData("labels", "cat\ndog\n", "2:1:dog", "1:0:cat")]
    [InlineData("labels", "cat\r\ndog", "2:1:dog", "1:0:cat")]
    [InlineData("labels", "cat", "2:1", "1:0:cat")]
    [InlineData("labels", """["[cat","dog:1"]""", "2:1:dog:1", "1:0:[cat")]
    [InlineData("labels", "[cat\ndog", "2:1:dog", "1:0:[cat")]
    [InlineData("labels.y", "cat\ndog", "2:1:dog", "1:0:cat")]
    [InlineData("labels.z", "cat\ndog", "2:1", "1:0")]
    [InlineData("labels", "", "2:1", "1:0")]
    public void Classes_have_names_where_the_version_has_them(string property, string text, params string[] expected)
    {
        var version = Version(Datatype.Fp32, 2);
        version.Metadata =
            new VersionMetadata { Properties = new Dictionary<string, string>(StringComparer.Ordinal) { [property] = text } };

        Assert.Equal(expected, Texts(Apply(version, new Tensor("y", Datatype.Fp32, [2], Bytes<float>([1, 2])), 2).Data));
    }

    [Fact]
    public void More_texts_than_an_answer_may_have_are_refused()
    {
        var version = Version(Datatype.Uint8, TensorShape.Variable, 1024);
        var reply = Reply(new Tensor("y", Datatype.Uint8, [2048, 1024], new byte[2048 * 1024]));

        Assert.Contains("more than 1048576 texts", Classification.Apply(reply, version, Asked(1024)).Refusal, StringComparison.Ordinal);
        Assert.Null(Classification.Apply(reply, version, Asked(8)).Refusal);
    }

    [Fact]
    public void Longer_texts_than_an_answer_may_have_are_refused()
    {
        var version = Version(Datatype.Uint8, TensorShape.Variable, 1);
        version.Metadata = new VersionMetadata
        {
            Properties = new Dictionary<string, string>(StringComparer.Ordinal) { ["labels"] = new string('a', 60_000) },
        };
        var reply = Reply(new Tensor("y", Datatype.Uint8, [1200, 1], new byte[1200]));

        Assert.Contains("more than 67108864 bytes", Classification.Apply(reply, version, Asked(1)).Refusal, StringComparison.Ordinal);
        var less = Reply(new Tensor("y", Datatype.Uint8, [1000, 1], new byte[1000]));
        Assert.Null(Classification.Apply(less, version, Asked(1)).Refusal);
    }

    [Theory]
    [InlineData(Datatype.Bytes, "'y' is BYTES, which has no classes")]
    [InlineData(Datatype.Bool, "'y' is BOOL, which has no classes")]
    [InlineData(Datatype.Fp16, null)]
    public void What_is_no_number_has_no_classes(Datatype datatype, string? refusal)
    {
        var given = Classification.Refusal(Version(datatype, 2).Signature, Asked(1));

        Assert.Equal(refusal is null, given is null);
        Assert.Contains(refusal ?? "", given ?? "", StringComparison.Ordinal);
        Assert.Null(Classification.Refusal(Version(datatype, 2).Signature, OutputForms.Json));
    }

    private static OutputForms Asked(int classes) =>
        new(byDefault: false, new Dictionary<string, bool>(StringComparer.Ordinal),
            new Dictionary<string, int>(StringComparer.Ordinal) { ["y"] = classes });

    private static ModelVersion Version(Datatype datatype, params long[] shape) => new()
    {
        Model = "m",
        Version = "1",
        Platform = "onnx",
        Sha256 = "",
        Signature = new([new("x", Datatype.Fp32, [shape[0]])], [new("y", datatype, shape)]),
    };

    private static InferenceReply Reply(Tensor output) =>
        new(Guid.Empty, ReplyOutcome.Completed, null, TimeSpan.Zero, TimeSpan.Zero, 1, "w", [output]);

    private static Tensor Apply(ModelVersion version, Tensor output, int classes)
    {
        var (reply, refusal) = Classification.Apply(Reply(output), version, Asked(classes));
        Assert.Null(refusal);
        Assert.Equal(("y", Datatype.Bytes), (reply.Outputs[0].Name, reply.Outputs[0].Datatype));
        return reply.Outputs[0];
    }

    private static List<string> Classes<T>(Datatype datatype, long[] shape, T[] scores, int classes)
        where T : unmanaged => Texts(Apply(Version(datatype, shape), new Tensor("y", datatype, shape, Bytes(scores)), classes).Data);

    private static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static List<string> Texts(ReadOnlyMemory<byte> data)
    {
        var texts = new List<string>();
        while (!data.IsEmpty)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(data.Span);
            texts.Add(Encoding.UTF8.GetString(data.Span.Slice(sizeof(int), length)));
            data = data[(sizeof(int) + length)..];
        }

        return texts;
    }
}
