using System.Buffers.Binary;
using System.Text;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Queue;

/// <summary>Reads what <see cref="WireWriter"/> wrote; blocks are slices of the message, not copies.</summary>
/// <exception cref="InvalidDataException">Thrown by every member when the message is cut short.</exception>
internal ref struct WireReader(ReadOnlyMemory<byte> message)
{
    private ReadOnlyMemory<byte> _rest = message;

    public readonly bool AtEnd => _rest.IsEmpty;

    public byte Byte() => Take(1).Span[0];

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4).Span);

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8).Span);

    public Guid Id() => new(Take(16).Span);

    public string? String()
    {
        var length = Int32();
        return length < 0 ? null : Encoding.UTF8.GetString(Take(length).Span);
    }

    public string RequiredString() => String() ?? throw new InvalidDataException("A required string of a queue message is null.");

    public ReadOnlyMemory<byte> Block() => Take(Int32());

    public Tensor Tensor()
    {
        var name = RequiredString();
        var datatype = (Datatype)Byte();
        var shape = new long[Byte()];
        for (var i = 0; i < shape.Length; i++)
        {
            shape[i] = Int64();
        }

        return new Tensor(name, datatype, shape, Block());
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        if ((uint)length > (uint)_rest.Length)
        {
            throw new InvalidDataException($"A queue message is cut short: {length} bytes wanted, {_rest.Length} left.");
        }

        var taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }
}
