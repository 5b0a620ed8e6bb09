using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Tests.Offline.OnnxRuntime;

public sealed class ElementTypeTests
{
    [Fact]
    public void Float_passes_unchanged() => Passes("float", TensorElementType.Float, 0f, -1.5f, float.MaxValue, float.NaN);

    [Fact]
    public void Double_passes_unchanged() => Passes("double", TensorElementType.Double, 0d, Math.PI, double.MinValue, double.Epsilon);

    [Fact]
    public void Float16_passes_unchanged() =>
        Passes("float16", TensorElementType.Float16, (Float16)0.1f, (Float16)(-65504f), new Float16(0x7C00), new Float16(1));

    [Fact]
    public void Bfloat16_passes_unchanged() =>
        Passes("bfloat16", TensorElementType.BFloat16, (BFloat16)0.1f, (BFloat16)(-3e38f), new BFloat16(0x7F80), new BFloat16(1));

    [Fact]
    public void Int8_passes_unchanged() => Passes<sbyte>("int8", TensorElementType.Int8, 0, 1, sbyte.MinValue, sbyte.MaxValue);

    [Fact]
    public void Int16_passes_unchanged() => Passes<short>("int16", TensorElementType.Int16, 0, 1, short.MinValue, short.MaxValue);

    [Fact]
    public void Int32_passes_unchanged() => Passes("int32", TensorElementType.Int32, 0, 1, int.MinValue, int.MaxValue);

    [Fact]
    public void Int64_passes_unchanged() => Passes<long>("int64", TensorElementType.Int64, 0, 1, long.MinValue, long.MaxValue);

    [Fact]
    public void Uint8_passes_unchanged() => Passes<byte>("uint8", TensorElementType.UInt8, 0, 1, 127, byte.MaxValue);

    [Fact]
    public void Uint16_passes_unchanged() => Passes<ushort>("uint16", TensorElementType.UInt16, 0, 1, 0x8000, ushort.MaxValue);

    [Fact]
    public void Uint32_passes_unchanged() => Passes<uint>("uint32", TensorElementType.UInt32, 0, 1, 0x8000_0000, uint.MaxValue);

    [Fact]
    public void Uint64_passes_unchanged() => Passes<ulong>("uint64", TensorElementType.UInt64, 0, 1, 1UL << 63, ulong.MaxValue);

    [Fact]
    public void Bool_passes_unchanged() => Passes("bool", TensorElementType.Bool, true, false, false, true);

    [Fact]
    public void String_passes_unchanged()
    {
        string[] texts = ["", "plain", "zwölf Boxkämpfer 字 🎈", "with\0zero", new string('x', 5000)];
        using var session = Model.Open("identity_string");
        using var input = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, [texts.Length]);
        Assert.All(input.GetStringTensorAsArray(), Assert.Empty);
        for (var i = 0; i < texts.Length; i++)
            input.StringTensorSetElementAt(texts[i].AsSpan(), i);
        input.StringTensorSetElementAt("replaced"u8, 1);
        texts[1] = "replaced";

        using var outputs = session.Run(null, ["x"], [input], ["y"]);

        Assert.True(session.InputMetadata["x"].IsString);
        Assert.Equal(typeof(string), session.InputMetadata["x"].ElementType);
        Assert.True(outputs[0].GetTensorTypeAndShape().IsString);
        Assert.Equal(texts, outputs[0].GetStringTensorAsArray());
        Assert.Equal(texts[2], outputs[0].GetStringElement(2));
        Assert.Contains("InvalidArgument", Assert.Throws<OnnxRuntimeException>(() => outputs[0].GetTensorDataAsSpan<byte>()).Message);
    }

    [Fact]
    public void Strings_are_taken_and_given_in_every_form()
    {
        using var value = OrtValue.CreateFromStringTensor(new[,] { { "a", "b" }, { "c", "ä\0ö" } }.ToTensor());
        value.StringTensorSetElementAt("memory".AsMemory(), 0);

        Assert.Equal([2, 2], value.GetTensorTypeAndShape().Shape);
        Assert.Equal(["memory", "b", "c", "ä\0ö"], value.GetStringTensorAsArray());
        Assert.Equal("ä\0ö", value.GetStringElementAsMemory(3).ToString());
        Assert.Equal("ä\0ö"u8.ToArray(), value.GetStringElementAsSpan(3).ToArray());
        Assert.Throws<OnnxRuntimeException>(() => value.GetTensorSizeInBytes());
    }

    [Fact]
    public void Strings_may_hold_bytes_that_are_no_text()
    {
        byte[] bytes = [0xFF, 0x00, 0xFE];
        using var session = Model.Open("identity_string");
        using var input = OrtValue.CreateTensorWithEmptyStrings(OrtAllocator.DefaultInstance, [1]);
        input.StringTensorSetElementAt(bytes, 0);

        using var outputs = session.Run(null, ["x"], [input], ["y"]);

        Assert.Equal(bytes, outputs[0].GetStringElementAsSpan(0).ToArray());
    }

    [Fact]
    public void Numbers_are_read_as_numbers_in_every_type_that_adds()
    {
        Assert.Equal([4f, 6f], Sum("float", [1f, 2f], [3f, 4f]));
        Assert.Equal([4d, 6d], Sum("double", [1d, 2d], [3d, 4d]));
        Assert.Equal([4, 6], Sum("int32", [1, 2], [3, 4]));
        Assert.Equal([4L, 6L], Sum("int64", [1L, 2L], [3L, 4L]));
        Assert.Equal([(Float16)4f, (Float16)6.5f], Sum("float16", [(Float16)1f, (Float16)2f], [(Float16)3f, (Float16)4.5f]));
    }

    [Theory]
    [InlineData(1f, 0x3C00)]
    [InlineData(0.1f, 0x2E66)]
    [InlineData(65504f, 0x7BFF)]
    [InlineData(70000f, 0x7C00)]
    [InlineData(-0f, 0x8000)]
    [InlineData(6e-8f, 0x0001)]
    public void Float16_has_the_bits_of_ieee_754(float number, int bits)
    {
        Assert.Equal((ushort)bits, ((Float16)number).value);
        Assert.Equal((float)BitConverter.UInt16BitsToHalf((ushort)bits), (float)new Float16((ushort)bits));
    }

    [Theory]
    [InlineData(1f, 0x3F80)]
    [InlineData(0.1f, 0x3DCD)] // 0x3DCCCCCD rounds up
    [InlineData(1.00390625f, 0x3F80)] // a tie goes to the even side: down
    [InlineData(1.01171875f, 0x3F82)] // and here up
    [InlineData(float.MaxValue, 0x7F80)]
    [InlineData(float.NegativeInfinity, 0xFF80)]
    public void Bfloat16_is_the_rounded_upper_half_of_a_float(float number, int bits) =>
        Assert.Equal((ushort)bits, ((BFloat16)number).value);

    [Fact]
    public void Half_types_keep_nan()
    {
        Assert.True(float.IsNaN(((Float16)float.NaN).ToFloat()));
        Assert.True(float.IsNaN(((BFloat16)BitConverter.Int32BitsToSingle(0x7F800001)).ToFloat())); // All its bits are in the lower half.
        Assert.Equal("0.5", ((BFloat16)0.5f).ToString());
        Assert.Equal("0.5", ((Float16)0.5f).ToString());
    }

    [Fact]
    public void Half_types_compare_as_floats_do()
    {
        Assert.True(Float16.One > Float16.Zero && Float16.Zero == Float16.NegativeZero && Float16.NaN != Float16.NaN && Float16.MinValue <= Float16.One);
        Assert.True(Float16.NaN.Equals(Float16.NaN) && Float16.Negate(Float16.One) < Float16.Zero && Float16.One.CompareTo(Float16.NaN) > 0);
        Assert.Equal((65504f, float.NegativeInfinity, 5.9604645E-08f), ((float)Float16.MaxValue, (float)Float16.NegativeInfinity, (float)Float16.Epsilon));
        Assert.True(BFloat16.One > BFloat16.Zero && BFloat16.Zero == BFloat16.NegativeZero && BFloat16.NaN != BFloat16.NaN && BFloat16.MinValue <= BFloat16.One);
        Assert.True(BFloat16.NaN.Equals(BFloat16.NaN) && BFloat16.Negate(BFloat16.One) < BFloat16.Zero && BFloat16.One.CompareTo(BFloat16.NaN) > 0);
        Assert.Equal((3.3895314E+38f, float.PositiveInfinity), ((float)BFloat16.MaxValue, (float)BFloat16.PositiveInfinity));
        Assert.True(Float16.IsNaN(Float16.NaN) && BFloat16.IsFinite(BFloat16.MaxValue) && Float16.IsInfinity(Float16.PositiveInfinity) && BFloat16.IsNegative(BFloat16.NegativeZero));
    }

    private static void Passes<T>(string model, TensorElementType element, params T[] values) where T : unmanaged
    {
        using var session = Model.Open("identity_" + model);
        using var input = OrtValue.CreateTensorValueFromMemory(values, [values.Length]);

        using var outputs = session.Run(null, ["x"], [input], ["y"]);

        var info = outputs[0].GetTensorTypeAndShape();
        Assert.Equal((element, values.Length, 1), (info.ElementDataType, info.ElementCount, info.DimensionsCount));
        Assert.Equal((element, typeof(T)), (session.OutputMetadata["y"].ElementDataType, session.OutputMetadata["y"].ElementType));
        Assert.Equal(values, outputs[0].GetTensorDataAsSpan<T>().ToArray());
        Assert.Equal(outputs[0].GetTensorMutableRawData().Length, outputs[0].GetTensorSizeInBytes());
        Assert.Equal(input.GetTensorMutableRawData().ToArray(), outputs[0].GetTensorMutableRawData().ToArray());
    }

    private static T[] Sum<T>(string type, T[] left, T[] right) where T : unmanaged
    {
        using var session = Model.Open("add_" + type);
        using var a = OrtValue.CreateTensorValueFromMemory(left, [left.Length]);
        using var b = OrtValue.CreateTensorValueFromMemory(right, [right.Length]);
        using var outputs = session.Run(null, new Dictionary<string, OrtValue> { ["b"] = b, ["a"] = a }, session.OutputNames);
        return outputs[0].GetTensorDataAsSpan<T>().ToArray();
    }
}
