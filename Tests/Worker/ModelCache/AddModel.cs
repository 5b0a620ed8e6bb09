using System.Buffers.Binary;
using System.Text;

namespace InferenceTemplate.Tests.Worker.ModelCache;

/// <summary>
/// ONNX models <c>y[batch, n] = x[batch, n] + constant</c>, written as protobuf by hand: each says by its answers which one it is, and
/// takes as many bytes as a test wants.
/// </summary>
internal static class AddModel
{
    private const int Float = 1;

    public static byte[] Create(float constant, int size = 4)
    {
        var values = new byte[4 * size];
        for (var i = 0; i < size; i++)
        {
            BinaryPrimitives.WriteSingleLittleEndian(values.AsSpan(4 * i), constant);
        }

        byte[] node = [.. Text(1, "x"), .. Text(1, "c"), .. Text(2, "y"), .. Text(4, "Add")];
        byte[] initializer = [.. Number(1, size), .. Number(2, Float), .. Text(8, "c"), .. Bytes(9, values)];
        byte[] graph =
        [
            .. Bytes(1, node), .. Text(2, "add"), .. Bytes(5, initializer), .. Bytes(11, Tensor("x", size)),
            .. Bytes(12, Tensor("y", size)),
        ];
        return [.. Number(1, 8), .. Bytes(7, graph), .. Bytes(8, [.. Text(1, ""), .. Number(2, 17)])];
    }

    private static byte[] Tensor(string name, int size)
    {
        byte[] shape = [.. Bytes(1, Text(2, "batch")), .. Bytes(1, Number(1, size))];
        byte[] type = [.. Number(1, Float), .. Bytes(2, shape)];
        return [.. Text(1, name), .. Bytes(2, Bytes(1, type))];
    }

    private static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    private static byte[] Bytes(int field, byte[] bytes) => [.. Varint((field << 3) | 2), .. Varint(bytes.Length), .. bytes];

    private static byte[] Number(int field, long number) => [.. Varint(field << 3), .. Varint(number)];

    private static IEnumerable<byte> Varint(long number)
    {
        for (; number > 0x7f; number >>= 7)
        {
            yield return (byte)(number | 0x80);
        }

        yield return (byte)number;
    }
}
