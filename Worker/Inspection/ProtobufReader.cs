using System.Text;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>A field of a protobuf message, as far as the wire tells.</summary>
/// <param name="Value">Of a varint; else 0.</param>
/// <param name="Start">Where the content of a length-delimited field begins.</param>
/// <param name="End">Where the next field begins.</param>
internal readonly record struct ProtobufField(int Number, bool IsVarint, bool IsBlock, ulong Value, long Start, long End)
{
    public long Length => End - Start;
}

/// <summary>
/// Walks over protobuf messages without a schema, and without believing them: every length is compared with what is
/// there, and blocks that nobody wants are skipped, not read.
/// </summary>
internal sealed class ProtobufReader(Stream stream)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int Block = 2;
    private const int Fixed32 = 5;
    private const int MaxVarintBytes = 10;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public long Length { get; } = stream.Length;

    /// <summary>The next field of a message; false at its end.</summary>
    /// <exception cref="InvalidDataException">This is not protobuf.</exception>
    public bool TryNext(long end, out ProtobufField field)
    {
        field = default;
        if (stream.Position >= end)
        {
            return false;
        }

        var tag = ReadVarint(end);
        if (tag > uint.MaxValue)
        {
            // Others drop the upper half: what is one field here would be another one there.
            throw new InvalidDataException("the tag of a field has more than 32 bits");
        }

        var number = (int)(tag >> 3);
        var wire = (int)(tag & 7);
        var value = wire is Varint or Block ? ReadVarint(end) : 0;
        var start = stream.Position;
        var length = wire switch
        {
            Varint => 0UL,
            Fixed64 => 8UL,
            Fixed32 => 4UL,
            Block => value,
            _ => throw new InvalidDataException($"field {number} has the wire type {wire}"),
        };
        if (number == 0 || length > (ulong)(end - start))
        {
            throw new InvalidDataException($"field {number} claims {length} bytes where {end - start} are left");
        }

        field = new ProtobufField(number, wire == Varint, wire == Block, wire == Varint ? value : 0, start, start + (long)length);
        return true;
    }

    /// <summary>Goes on after a field, however much of it was read.</summary>
    public void MoveTo(long position) => stream.Position = position;

    /// <summary>A text field, cut where it is longer than allowed. Characters that a database can't keep become blanks.</summary>
    public string ReadText(ProtobufField field, int maxBytes)
    {
        var bytes = new byte[Math.Min(field.Length, maxBytes)];
        stream.ReadExactly(bytes);
        return Encoding.UTF8.GetString(bytes).Replace('\0', ' ');
    }

    /// <summary>A text that is to be understood as others understand it: whole, and byte for byte.</summary>
    /// <exception cref="InvalidDataException">It is longer than allowed, or not UTF-8.</exception>
    public string ReadExactText(ProtobufField field, int maxBytes)
    {
        if (field.Length > maxBytes)
        {
            throw new InvalidDataException($"field {field.Number} has {field.Length} bytes where {maxBytes} are allowed");
        }

        var bytes = new byte[field.Length];
        stream.ReadExactly(bytes);
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException exception)
        {
            throw new InvalidDataException($"field {field.Number} is not UTF-8", exception);
        }
    }

    /// <exception cref="InvalidDataException">It goes on beyond its message, or is longer than 64 bits.</exception>
    public ulong ReadVarint(long end)
    {
        ulong value = 0;
        for (var i = 0; i < MaxVarintBytes && stream.Position < end; i++)
        {
            var next = stream.ReadByte();
            if (next < 0)
            {
                break;
            }

            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("a number is cut off");
    }

    public long Position => stream.Position;
}
