using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Queue;

/// <summary>Writes the queue's messages: little-endian, strings and blocks prefixed by their length.</summary>
/// <param name="parts">Takes large tensors as they are, which are then not in the buffer; null for a message of one piece.</param>
internal readonly struct WireWriter(ArrayBufferWriter<byte> buffer, LargeParts? parts = null)
{
    /// <summary>A small message as bytes of its own.</summary>
    public static byte[] Message(Action<WireWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        write(new WireWriter(buffer));
        return buffer.WrittenSpan.ToArray();
    }

    public void Byte(byte value)
    {
        buffer.GetSpan(1)[0] = value;
        buffer.Advance(1);
    }

    public void Int32(int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer.GetSpan(4), value);
        buffer.Advance(4);
    }

    public void Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(buffer.GetSpan(8), value);
        buffer.Advance(8);
    }

    public void Id(Guid value)
    {
        value.TryWriteBytes(buffer.GetSpan(16));
        buffer.Advance(16);
    }

    /// <summary>Null travels as length -1.</summary>
    public void String(string? value)
    {
        if (value is null)
        {
            Int32(-1);
            return;
        }

        var length = Encoding.UTF8.GetByteCount(value);
        Int32(length);
        Encoding.UTF8.GetBytes(value, buffer.GetSpan(length));
        buffer.Advance(length);
    }

    public void Block(ReadOnlySpan<byte> value)
    {
        Int32(value.Length);

        // Room for all of it at once: piece by piece the buffer would be copied again and again.
        value.CopyTo(buffer.GetSpan(value.Length));
        buffer.Advance(value.Length);
    }

    public void Tensor(string name, Datatype datatype, ReadOnlySpan<long> shape, ReadOnlyMemory<byte> data)
    {
        Head(name, datatype, shape);
        if (parts is null || !parts.TryAdd(buffer.WrittenCount + sizeof(int), data))
        {
            Block(data.Span);
        }
        else
        {
            Int32(data.Length);
        }
    }

    public void Tensor(string name, Datatype datatype, ReadOnlySpan<long> shape, ReadOnlySpan<byte> data)
    {
        Head(name, datatype, shape);
        Block(data);
    }

    private void Head(string name, Datatype datatype, ReadOnlySpan<long> shape)
    {
        String(name);
        Byte((byte)datatype);
        Byte((byte)shape.Length);
        foreach (var dimension in shape)
        {
            Int64(dimension);
        }
    }
}
