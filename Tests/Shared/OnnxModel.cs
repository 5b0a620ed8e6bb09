using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace InferenceTemplate.Tests.Shared;

/// <summary>Writes small models in ONNX's protobuf form, so that tests need neither Python nor files of megabytes.</summary>
public sealed class OnnxModel
{
    public const int Float = 1;
    public const int Uint8 = 2;
    public const int Int64 = 7;
    public const int Text = 8;
    public const int Bool = 9;
    public const int Float16 = 10;
    public const int BFloat16 = 16;

    private readonly Message _graph = new();
    private readonly List<Message> _properties = [];

    public OnnxModel() => _graph.Text(2, "graph");

    /// <param name="shape">-1 leaves a dimension open.</param>
    public OnnxModel Input(string name, int type, params long[] shape) => Value(11, name, type, shape);

    /// <summary>An input that a request may leave out, the initializer standing for it.</summary>
    public OnnxModel OptionalInput(string name, float[] values, params long[] shape) =>
        Input(name, Float, shape).Constant(name, values, shape);

    public OnnxModel Output(string name, int type, params long[] shape) => Value(12, name, type, shape);

    /// <summary>An input without a shape, hence of any rank.</summary>
    public OnnxModel UnrankedInput(string name, int type) => Value(11, name, new Message().Number(1, type));

    public OnnxModel UnrankedOutput(string name, int type) => Value(12, name, new Message().Number(1, type));

    public OnnxModel Node(string type, string[] inputs, string[] outputs, params (string Name, long Value)[] attributes)
    {
        var node = new Message();
        Array.ForEach(inputs, i => node.Text(1, i));
        Array.ForEach(outputs, o => node.Text(2, o));
        node.Text(4, type);
        foreach (var (name, value) in attributes)
        {
            node.Nested(5, new Message().Text(1, name).Number(3, value).Number(20, 2));
        }

        _graph.Nested(1, node);
        return this;
    }

    /// <summary>The product of two tensors, by the letters of their dimensions.</summary>
    public OnnxModel Einsum(string equation, string[] inputs, string output)
    {
        var node = new Message();
        Array.ForEach(inputs, i => node.Text(1, i));
        _graph.Nested(1, node.Text(2, output).Text(4, "Einsum")
            .Nested(5, new Message().Text(1, "equation").Text(4, equation).Number(20, 3)));
        return this;
    }

    /// <summary>A node that runs a graph again and again, as ONNX's Loop says.</summary>
    public OnnxModel Loop(string[] inputs, string[] outputs, OnnxModel body)
    {
        var node = new Message();
        Array.ForEach(inputs, i => node.Text(1, i));
        Array.ForEach(outputs, o => node.Text(2, o));
        _graph.Nested(1, node.Text(4, "Loop").Nested(5, new Message().Text(1, "body").Nested(6, body._graph).Number(20, 5)));
        return this;
    }

    /// <summary>How like the lines of a table are to each other: over lines without numbers it divides by zero and dies.</summary>
    public static byte[] DiesOfEmptyLines => new OnnxModel().Input("x", Float, -1, -1, -1).Output("y", Float, -1, -1, -1)
        .Einsum("bid,bjd->bij", ["x", "x"], "y")
        .ToBytes();

    /// <summary>Never ends where its largest number is 0; else it gives that number.</summary>
    public static byte[] EndlessOnZeros => new OnnxModel().Input("x", Int64, -1).Output("y", Int64)
        .Integers("zero", [0])
        .Node("ReduceMax", ["x"], ["most"], ("keepdims", 0))
        .Node("Equal", ["most", "zero"], ["go"])
        .Loop(
            ["", "go", "most"], ["y"],
            new OnnxModel().Input("i", Int64).Input("goes", Bool).Input("v", Int64).Output("on", Bool).Output("w", Int64)
                .Node("Identity", ["goes"], ["on"]).Node("Neg", ["v"], ["w"]))
        .ToBytes();

    /// <summary>All letters small, by the locale en_US.UTF-8.</summary>
    public static byte[] Lowercase
    {
        get
        {
            var model = new OnnxModel().Input("x", Text, -1).Output("y", Text, -1);
            var attribute = new Message().Text(1, "case_change_action").Text(4, "LOWER").Number(20, 3);
            model._graph.Nested(1, new Message().Text(1, "x").Text(2, "y").Text(4, "StringNormalizer").Nested(5, attribute));
            return model.ToBytes();
        }
    }

    public OnnxModel Constant(string name, float[] values, params long[] shape) =>
        Constant(name, Float, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    public OnnxModel Integers(string name, long[] values, params long[] shape) =>
        Constant(name, Int64, MemoryMarshal.AsBytes(values.AsSpan()), shape);

    /// <summary>FP32 that is kept in another file, described by these keys: location, offset, length.</summary>
    public OnnxModel External(string name, long[] shape, params (string Key, string Value)[] where)
    {
        var tensor = new Message();
        Array.ForEach(shape, d => tensor.Number(1, d));
        tensor.Number(2, Float).Text(8, name);
        Array.ForEach(where, w => tensor.Nested(13, new Message().Text(1, w.Key).Text(2, w.Value)));
        _graph.Nested(5, tensor.Number(14, 1));
        return this;
    }

    /// <summary>What the file says of itself.</summary>
    public OnnxModel Property(string key, string value)
    {
        _properties.Add(new Message().Text(1, key).Text(2, value));
        return this;
    }

    public byte[] ToBytes()
    {
        var model = new Message()
            .Number(1, 8)
            .Text(2, "tests")
            .Nested(7, _graph)
            .Nested(8, new Message().Text(1, "").Number(2, 17));
        _properties.ForEach(property => model.Nested(14, property));
        return model.ToBytes();
    }

    /// <summary>The sum of all rows, as one row: that it is no row for each, ONNX Runtime does not see before a run.</summary>
    public static byte[] Total => new OnnxModel().Input("x", Float, -1).Output("y", Float, -1)
        .Node("Sub", ["x", "x"], ["zeros"])
        .Node("ReduceMax", ["zeros"], ["zero"], ("keepdims", 1))
        .Node("Cast", ["zero"], ["axis"], ("to", Int64))
        .Node("ReduceSum", ["x", "axis"], ["y"], ("keepdims", 1))
        .ToBytes();

    /// <summary>Layers of square matrices of one pattern: bound by reading weights, hence worth batching.</summary>
    public static byte[] Layers(int count, int width)
    {
        var model = new OnnxModel().Input("x", Float, -1, width).Output("y", Float, -1, width);
        var weights = new float[width * width];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = ((i % 7) - 3) / (float)width;
        }

        for (var layer = 0; layer < count; layer++)
        {
            var (from, to) = (layer == 0 ? "x" : $"h{layer}", layer == count - 1 ? "y" : $"h{layer + 1}");
            model.Constant($"w{layer}", weights, width, width)
                .Node("MatMul", [from, $"w{layer}"], [$"m{layer}"])
                .Node("Tanh", [$"m{layer}"], [to]);
        }

        return model.ToBytes();
    }

    private OnnxModel Constant(string name, int type, ReadOnlySpan<byte> data, long[] shape)
    {
        var tensor = new Message();
        Array.ForEach(shape, d => tensor.Number(1, d));
        _graph.Nested(5, tensor.Number(2, type).Text(8, name).Bytes(9, data));
        return this;
    }

    private OnnxModel Value(int field, string name, int type, long[] shape)
    {
        var dimensions = new Message();
        for (var i = 0; i < shape.Length; i++)
        {
            dimensions.Nested(1, shape[i] < 0 ? new Message().Text(2, i == 0 ? "batch" : $"{name}{i}") : new Message().Number(1, shape[i]));
        }

        return Value(field, name, new Message().Number(1, type).Nested(2, dimensions));
    }

    private OnnxModel Value(int field, string name, Message tensor)
    {
        _graph.Nested(field, new Message().Text(1, name).Nested(2, new Message().Nested(1, tensor)));
        return this;
    }

    private sealed class Message
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public Message Number(int field, long value)
        {
            Varint((ulong)(field << 3));
            Varint((ulong)value);
            return this;
        }

        public Message Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

        public Message Nested(int field, Message value) => Bytes(field, value.ToBytes());

        public Message Bytes(int field, ReadOnlySpan<byte> value)
        {
            Varint((ulong)((field << 3) | 2));
            Varint((ulong)value.Length);
            _bytes.Write(value);
            return this;
        }

        public byte[] ToBytes() => _bytes.WrittenSpan.ToArray();

        private void Varint(ulong value)
        {
            Span<byte> one = stackalloc byte[1];
            for (; value >= 0x80; value >>= 7)
            {
                one[0] = (byte)(value | 0x80);
                _bytes.Write(one);
            }

            one[0] = (byte)value;
            _bytes.Write(one);
        }
    }
}
