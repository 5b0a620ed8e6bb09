using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Queue;

/// <summary>Reads what <see cref="WireWriter"/> wrote; blocks are slices of the message, not copies.</summary>
/// <exception cref="InvalidDataException">Thrown by every member when the message is cut short or holds what was never written.</exception>
internal ref struct WireReader(ReadOnlyMemory<byte> message)
{
    /// <summary>Bytes of the shortest string: its length.</summary>
    public const int LeastString = 4;

    /// <summary>Bytes of the smallest tensor: an empty name, a datatype, no dimensions, no data.</summary>
    public const int LeastTensor = LeastString + 1 + 1 + 4;

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

    /// <summary>A required string that many messages have.</summary>
    public string Name() =>
        Int32() is var length and >= 0
            ? KnownNames.Of(Take(length).Span)
            : throw new InvalidDataException("A required string of a queue message is null.");

    public ReadOnlyMemory<byte> Block() => Take(Int32());

    /// <summary>Passes a string by, which may be null.</summary>
    public string? Skip()
    {
        Take(Math.Max(0, Int32()));
        return null;
    }

    /// <summary>How many items follow, each of so many bytes at least: what the message can't hold gets no memory.</summary>
    public int Count(int leastBytes)
    {
        var count = Int32();
        return count >= 0 && (long)count * leastBytes <= _rest.Length
            ? count
            : throw new InvalidDataException($"A queue message counts {count} items, with {_rest.Length} bytes left.");
    }

    public int Deliveries() => Int32() is var count and >= 0 and <= byte.MaxValue
        ? count
        : throw new InvalidDataException("A queue message has no number of deliveries where one is due.");

    public DateTimeOffset Time()
    {
        var ticks = Int64();
        return ticks >= 0 && ticks <= DateTimeOffset.MaxValue.Ticks
            ? new DateTimeOffset(ticks, TimeSpan.Zero)
            : throw new InvalidDataException($"A queue message has {ticks} in place of a time.");
    }

    public T Enumeration<T>()
        where T : struct, Enum
    {
        var number = Byte();
        var value = Unsafe.SizeOf<T>() == 1 ? Unsafe.BitCast<byte, T>(number) : Unsafe.BitCast<int, T>(number);
        return Enum.IsDefined(value)
            ? value
            : throw new InvalidDataException($"A queue message has {number}, which is no {typeof(T).Name}.");
    }

    public Tensor Tensor()
    {
        var name = Name();
        var datatype = Enumeration<Datatype>();
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
