using InferenceTemplate.Client;

namespace InferenceTemplate.Tests.Unit.Client;

public sealed class TensorTests
{
    [Fact]
    public void Elements_of_another_type_are_refused_and_the_right_one_is_named()
    {
        var tensor = InferenceTensor.Create<long>("label", [2], [1, 2]);

        var refused = Assert.Throws<InvalidCastException>(() => tensor.As<float>().Length);

        Assert.Equal("'label' is INT64, which As<Single>() can't read: use As<Int64>().", refused.Message);
        Assert.Equal([1L, 2L], tensor.As<long>());
    }

    [Fact]
    public void Texts_that_are_not_utf8_are_read_as_bytes()
    {
        var tensor = InferenceTensor.Create<byte[]>("s", [2], [[0xFF], []]);

        Assert.Equal("'s' has elements that are not UTF-8 text: use As<Byte[]>().",
            Assert.Throws<InvalidCastException>(() => tensor.As<string>().Length).Message);
        Assert.Equal([[0xFF], []], tensor.As<byte[]>().ToArray());
    }

    [Fact]
    public void Datatype_follows_from_the_type_and_data_are_a_copy()
    {
        float[] pixels = [1, 2];
        var tensor = InferenceTensor.Create("x", [1, 2], pixels);
        pixels[0] = 3;

        Assert.Equal("x FP32 [1,2]", tensor.ToString());
        Assert.Equal([1f, 2f], tensor.As<float>());
        Assert.Equal("b BF16 [1]", InferenceTensor.CreateBFloat16("b", [1], [0x3F80]).ToString());
        Assert.Equal((ushort[])[0x3F80], InferenceTensor.CreateBFloat16("b", [1], [0x3F80]).As<ushort>().ToArray());
        Assert.Equal([1f], InferenceTensor.Create<float>("scalar", [], [1]).As<float>());
        Assert.Empty(InferenceTensor.Create<float>("none", [0, 8], []).As<float>().ToArray());
    }

    [Fact]
    public void Shape_that_does_not_fit_is_refused()
    {
        var refused = Assert.Throws<ArgumentException>(() => InferenceTensor.Create<float>("x", [2, 2], [1, 2, 3]));

        Assert.StartsWith("'x': 3 elements given, but the shape [2,2] says 4.", refused.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => InferenceTensor.Create<float>("x", [-1], [1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => InferenceTensor.Create<float>("x", [long.MaxValue, 2], [1]));
        Assert.Throws<NotSupportedException>(() => InferenceTensor.Create<decimal>("x", [1], [1]));
    }
}
