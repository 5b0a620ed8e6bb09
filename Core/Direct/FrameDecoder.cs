using System.Buffers.Binary;

namespace InferenceTemplate.Core.Direct;

/// <summary>
/// Cuts a stream of bytes into frames, however it arrives in pieces. A length is compared with the limit before memory is taken.
/// </summary>
/// <param name="limit">Bytes of a payload at most.</param>
public sealed class FrameDecoder(int limit)
{
    private readonly byte[] _header = new byte[Frame.HeaderSize];
    private int _headerFilled;
    private byte[]? _payload;
    private int _filled;

    /// <summary>Bytes of a payload at most, from the next frame on.</summary>
    public int Limit { get; set; } = limit;

    /// <summary>Where the next bytes belong of a payload that has begun: what is read into it need not be copied. Empty between frames.</summary>
    public Memory<byte> Missing => _payload is null ? default : _payload.AsMemory(_filled);

    /// <summary>Takes bytes that were read into <see cref="Missing"/>, and adds the frame that they complete.</summary>
    public void Advance(int count, ICollection<Frame> frames)
    {
        _filled += count;
        Complete(frames);
    }

    /// <summary>Takes the next bytes, and adds the frames that they complete.</summary>
    /// <exception cref="InvalidDataException">A frame is longer than the limit, or of no known type.</exception>
    public void Feed(ReadOnlySpan<byte> data, ICollection<Frame> frames)
    {
        while (true)
        {
            if (_payload is null)
            {
                var taken = Math.Min(Frame.HeaderSize - _headerFilled, data.Length);
                data[..taken].CopyTo(_header.AsSpan(_headerFilled));
                _headerFilled += taken;
                data = data[taken..];
                if (_headerFilled < Frame.HeaderSize)
                {
                    return;
                }

                _payload = Allocate();
                _filled = 0;
            }

            var part = Math.Min(_payload.Length - _filled, data.Length);
            data[..part].CopyTo(_payload.AsSpan(_filled));
            _filled += part;
            data = data[part..];
            if (!Complete(frames))
            {
                return;
            }
        }
    }

    private bool Complete(ICollection<Frame> frames)
    {
        if (_filled < _payload!.Length)
        {
            return false;
        }

        frames.Add(new Frame((FrameType)_header[4], _payload));
        _payload = null;
        _headerFilled = 0;
        return true;
    }

    private byte[] Allocate()
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(_header);
        if (length > Limit)
        {
            throw new InvalidDataException($"A frame has {length} bytes; {Limit} are allowed.");
        }

        if ((FrameType)_header[4] is < FrameType.Hello or > FrameType.Part)
        {
            throw new InvalidDataException($"A frame is of type {_header[4]}, which there is not.");
        }

        return length == 0 ? [] : GC.AllocateUninitializedArray<byte>((int)length);
    }
}
