using System.Text;

namespace InferenceTemplate.Tests.Shared;

/// <summary>Writes ONNX files, field by field, as far as tests need them: also such as no tool would write.</summary>
public static class OnnxFile
{
    private const int Float = 1;

    /// <summary>A model of one node: <c>y = op(x)</c> on rows of four numbers.</summary>
    public static byte[] Unary(string op, string domain = "", string producer = "tests") => Model(
        Message(7, [.. Node(op, domain, "x", "y"), .. Text(2, "graph"), .. Value(11, "x"), .. Value(12, "y")]), producer, domain);

    /// <summary><c>y = x + constant</c>: two such models differ in what they answer.</summary>
    public static byte[] Add(float constant) => Model(
        Message(7, [
            .. Message(1, [.. Text(1, "x"), .. Text(1, "c"), .. Text(2, "y"), .. Text(4, "Add")]),
            .. Text(2, "add"),
            .. Message(5, Tensor("c", [1], BitConverter.GetBytes(constant))),
            .. Value(11, "x"),
            .. Value(12, "y"),
        ]));

    /// <summary>A model whose graph is made of these fields.</summary>
    public static byte[] Graph(params byte[][] fields) =>
        Model(Message(7, [.. fields.SelectMany(f => f), .. Text(2, "graph"), .. Value(11, "x"), .. Value(12, "y")]));

    /// <summary>The whole file around a graph field: IR version 8, operator set 17.</summary>
    public static byte[] Model(byte[] graph, string producer = "tests", string domain = "") =>
    [
        .. Number(1, 8),
        .. Text(2, producer),
        .. Text(6, "made by a test"),
        .. graph,
        .. Message(8, [.. Text(1, ""), .. Number(2, 17)]),
        .. domain.Length == 0 ? [] : Message(8, [.. Text(1, domain), .. Number(2, 1)]),
        .. Message(14, [.. Text(1, "purpose"), .. Text(2, "a test")]),
    ];

    public static byte[] Node(string op, string domain, string input, string output, params byte[] attributes) =>
        Message(1, [.. Text(1, input), .. Text(2, output), .. Text(4, op), .. attributes, .. domain.Length == 0 ? [] : Text(7, domain)]);

    /// <summary>A tensor of FP32, its data being raw.</summary>
    public static byte[] Tensor(string name, long[] shape, byte[] data) =>
        [.. shape.SelectMany(d => Number(1, (ulong)d)), .. Number(2, Float), .. Text(8, name), .. Message(9, data)];

    /// <summary>An input (11) or output (12): FP32 of any number of rows, four columns.</summary>
    public static byte[] Value(int field, string name) => Message(field, [
        .. Text(1, name),
        .. Message(2, Message(1, [
            .. Number(1, Float),
            .. Message(2, [.. Message(1, Text(2, "batch")), .. Message(1, Number(1, 4))]),
        ])),
    ]);

    public static byte[] Text(int field, string value) => Message(field, Encoding.UTF8.GetBytes(value));

    public static byte[] Number(int field, ulong value) => [.. Varint((ulong)field << 3), .. Varint(value)];

    public static byte[] Message(int field, byte[] content) =>
        [.. Varint(((ulong)field << 3) | 2), .. Varint((ulong)content.Length), .. content];

    private static List<byte> Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
        {
            bytes.Add((byte)(value | 0x80));
        }

        bytes.Add((byte)value);
        return bytes;
    }
}
