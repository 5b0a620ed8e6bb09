using System.Text;

namespace InferenceTemplate.Bench.Models;

/// <summary>
/// Writes small ONNX files: just those fields of the protocol buffer (onnx.proto3) that the benchmark's models need. Weights are
/// random, since only their number matters here.
/// </summary>
internal sealed class OnnxWriter(int seed) : IDisposable
{
    private const long IrVersion = 8;
    private const long Opset = 17;
    private const long FloatType = 1;

    private readonly MemoryStream _graph = new();
    private readonly Random _random = new(seed);

    public void Node(string op, string[] inputs, string output, params (string Name, long[] Ints)[] attributes) =>
        Message(_graph, 1, node =>
    {
        foreach (var input in inputs)
        {
            Text(node, 1, input);
        }

        Text(node, 2, output);
        Text(node, 4, op);
        foreach (var (name, ints) in attributes)
        {
            Message(node, 5, attribute =>
            {
                Text(attribute, 1, name);
                foreach (var value in ints)
                {
                    Number(attribute, 8, value);
                }

                Number(attribute, 20, 7);
            });
        }
    });

    /// <summary>A tensor of small random weights.</summary>
    public string Weights(string name, params long[] shape)
    {
        var values = new float[shape.Aggregate(1L, (product, d) => product * d)];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (float)((_random.NextDouble() - 0.5) / Math.Sqrt(shape[^1]));
        }

        var raw = new byte[values.Length * sizeof(float)];
        Buffer.BlockCopy(values, 0, raw, 0, raw.Length);
        Message(_graph, 5, tensor =>
        {
            foreach (var dimension in shape)
            {
                Number(tensor, 1, dimension);
            }

            Number(tensor, 2, FloatType);
            Text(tensor, 8, name);
            Bytes(tensor, 9, raw);
        });
        return name;
    }

    public void Input(string name, params long[] shape) => Value(11, name, shape);

    public void Output(string name, params long[] shape) => Value(12, name, shape);

    public byte[] ToFile()
    {
        Text(_graph, 2, "bench");
        using var model = new MemoryStream();
        Number(model, 1, IrVersion);
        Text(model, 2, "bench");
        Bytes(model, 7, _graph.ToArray());
        Message(model, 8, opset => Number(opset, 2, Opset));
        return model.ToArray();
    }

    // A dimension of -1 gets a name: it is open.
    private void Value(int field, string name, long[] shape) => Message(_graph, field, value =>
    {
        Text(value, 1, name);
        Message(value, 2, type => Message(type, 1, tensor =>
        {
            Number(tensor, 1, FloatType);
            Message(tensor, 2, dimensions =>
            {
                foreach (var size in shape)
                {
                    Message(dimensions, 1, dimension =>
                    {
                        if (size < 0)
                        {
                            Text(dimension, 2, "batch");
                        }
                        else
                        {
                            Number(dimension, 1, size);
                        }
                    });
                }
            });
        }));
    });

    public void Dispose() => _graph.Dispose();

    private static void Message(Stream target, int field, Action<Stream> write)
    {
        using var content = new MemoryStream();
        write(content);
        Bytes(target, field, content.ToArray());
    }

    private static void Text(Stream target, int field, string value) => Bytes(target, field, Encoding.UTF8.GetBytes(value));

    private static void Bytes(Stream target, int field, byte[] value)
    {
        Varint(target, ((ulong)field << 3) | 2);
        Varint(target, (ulong)value.Length);
        target.Write(value);
    }

    private static void Number(Stream target, int field, long value)
    {
        Varint(target, (ulong)field << 3);
        Varint(target, (ulong)value);
    }

    private static void Varint(Stream target, ulong value)
    {
        while (value >= 0x80)
        {
            target.WriteByte((byte)(value | 0x80));
            value >>= 7;
        }

        target.WriteByte((byte)value);
    }
}
