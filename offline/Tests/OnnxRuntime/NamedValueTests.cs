using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace Tests.Offline.OnnxRuntime;

/// <summary>Runs as most tutorials write them: dense tensors by name.</summary>
public sealed class NamedValueTests
{
    [Fact]
    public void Named_tensors_run_and_come_back_by_name()
    {
        using var session = Model.Open("matmul");
        var x = new DenseTensor<float>(new[] { 1f, 0, 0, 0, 0, 1, 0, 0 }, [2, 4]);

        using var results = session.Run([NamedOnnxValue.CreateFromTensor("x", x)]);

        var y = Assert.Single(results);
        Assert.Equal(("y", TensorElementType.Float, OnnxValueType.ONNX_TYPE_TENSOR), (y.Name, y.ElementType, y.ValueType));
        Assert.Equal([1f, 10, 100, 2, 20, 200], y.AsEnumerable<float>()!);
        var tensor = y.AsTensor<float>()!;
        Assert.Equal(200f, tensor[1, 2]);
        Assert.Equal([2, 3], tensor.Dimensions.ToArray());
        Assert.Equal([1f, 10, 100, 2, 20, 200], Assert.IsType<DenseTensor<float>>(tensor).Buffer.ToArray());
        Assert.Null(y.AsTensor<double>());
    }

    [Fact]
    public void Named_tensor_is_read_where_it_lies()
    {
        using var session = Model.Open("identity_int64");
        long[] numbers = [1, 2, 3];
        var input = NamedOnnxValue.CreateFromTensor("x", new DenseTensor<long>(numbers, [3]));
        numbers[1] = 20;

        using var results = session.Run([input], ["y"]);
        input.Value = new DenseTensor<long>(new long[] { 7 }, [1]);
        using var others = session.Run([input], ["y"]);

        Assert.Equal([1L, 20, 3], results[0].AsEnumerable<long>()!);
        Assert.Equal([7L], others[0].AsEnumerable<long>()!);
    }

    [Fact]
    public void Named_strings_pass_unchanged()
    {
        string[] texts = ["", "zwölf 字 🎈", "with\0zero"];
        using var session = Model.Open("identity_string");

        using var results = session.Run([NamedOnnxValue.CreateFromTensor("x", texts.ToTensor())]);

        Assert.Equal(TensorElementType.String, results[0].ElementType);
        Assert.Equal(texts, results[0].AsEnumerable<string>()!);
    }

    [Fact]
    public void Named_tensors_of_every_type_pass_unchanged()
    {
        Passes("float", 1.5f, float.NaN);
        Passes("double", 1.5, -2.5);
        Passes("float16", Float16.One, Float16.NaN);
        Passes("bfloat16", BFloat16.One, BFloat16.NegativeInfinity);
        Passes<sbyte>("int8", -1, 1);
        Passes<short>("int16", -1, 1);
        Passes("int32", -1, 1);
        Passes("int64", -1L, 1);
        Passes<byte>("uint8", 0, 255);
        Passes<ushort>("uint16", 0, 65535);
        Passes<uint>("uint32", 0, uint.MaxValue);
        Passes<ulong>("uint64", 0, ulong.MaxValue);
        Passes("bool", true, false);
    }

    [Fact]
    public void Result_that_was_disposed_of_is_refused()
    {
        using var session = Model.Open("identity_float");
        var results = session.Run([NamedOnnxValue.CreateFromTensor("x", new[] { 1f }.ToTensor())]);
        var tensor = results[0].AsTensor<float>()!;

        results.Dispose();

        Assert.Throws<ObjectDisposedException>(() => tensor[0]);
    }

    [Fact]
    public void Named_values_that_do_not_fit_are_refused()
    {
        using var session = Model.Open("matmul");
        var right = NamedOnnxValue.CreateFromTensor("x", new DenseTensor<float>([1, 4]));
        Fails("InvalidArgument", "'z' is not in the metadata", () => session.Run([NamedOnnxValue.CreateFromTensor("z", new DenseTensor<float>([1, 4]))]));
        Fails("InvalidArgument", "'z' is not in the metadata", () => session.Run([right], ["z"]));
        Fails("InvalidArgument", "Unexpected input data type", () => session.Run([NamedOnnxValue.CreateFromTensor("x", new DenseTensor<double>([1, 4]))]));
        Fails("InvalidArgument", "System.Decimal is not supported", () => session.Run([NamedOnnxValue.CreateFromTensor("x", new DenseTensor<decimal>([1, 4]))]));
        right.Value = "text";
        Fails("NotImplemented", "System.String, which is no tensor", () => session.Run([right]));
        using var sequences = Model.Open("sequence");
        NamedOnnxValue[] pair = [NamedOnnxValue.CreateFromTensor("a", new DenseTensor<float>(1)), NamedOnnxValue.CreateFromTensor("b", new DenseTensor<float>(1))];
        Fails("NotImplemented", "ONNX_TYPE_SEQUENCE", () => sequences.Run(pair));
    }

    [Fact]
    public void Tensor_is_addressed_by_indices_in_either_order()
    {
        int[,] table = { { 1, 2, 3 }, { 4, 5, 6 } };
        var rows = table.ToTensor();
        var columns = table.ToTensor(reverseStride: true);

        Assert.Equal([3, 1], rows.Strides.ToArray());
        Assert.Equal([1, 2], columns.Strides.ToArray());
        Assert.Equal((6, 6, 2, 6L), (rows[1, 2], columns[1, 2], columns.Rank, columns.Length));
        Assert.Equal([1, 2, 3, 4, 5, 6], rows);
        Assert.Equal([1, 4, 2, 5, 3, 6], columns);
        rows[1, 0] = 40;
        Assert.Equal([40, 5], [rows.Reshape([6])[3], rows.Reshape([3, 2])[2, 0]]);
        Assert.Equal(1, columns.ToDenseTensor()[0, 0]);
        Assert.Throws<ArgumentException>(() => rows.Reshape([5]));
        Assert.Throws<ArgumentException>(() => rows[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => rows[0, 3]);
        Assert.Throws<ArgumentException>(() => new DenseTensor<int>(new int[5], [2, 3]));
        rows.Fill(9);
        Assert.All(rows, n => Assert.Equal(9, n));
    }

    [Fact]
    public void Column_major_tensor_is_the_same_to_the_model()
    {
        float[,] x = { { 1, 0, 0, 0 }, { 0, 0, 0, 1 } };
        using var session = Model.Open("matmul");

        using var rows = session.Run([NamedOnnxValue.CreateFromTensor("x", x.ToTensor())]);
        using var columns = session.Run([NamedOnnxValue.CreateFromTensor("x", x.ToTensor(reverseStride: true))]);

        Assert.Equal([1f, 10, 100, 4, 40, 400], rows[0].AsEnumerable<float>()!);
        Assert.Equal(rows[0].AsEnumerable<float>()!, columns[0].AsEnumerable<float>()!);
    }

    private static void Passes<T>(string model, params T[] values) where T : unmanaged
    {
        using var session = Model.Open("identity_" + model);
        using var results = session.Run([NamedOnnxValue.CreateFromTensor("x", values.ToTensor())]);
        Assert.Equal(values, results[0].AsEnumerable<T>()!);
    }

    private static void Fails(string code, string text, Func<object> action)
    {
        var message = Assert.Throws<OnnxRuntimeException>(action).Message;
        Assert.StartsWith($"[ErrorCode:{code}] ", message);
        Assert.Contains(text, message);
    }
}
