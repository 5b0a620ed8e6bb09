using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Core.Direct;

/// <summary>
/// One end of a direct connection. Frames that come while a send is under way go out together with the next; several threads may send.
/// </summary>
/// <param name="maxUnsent">Bytes of small frames that may wait to be sent: a peer that reads no more is given up. Requests find another
/// way at a quarter of all that waits, and large answers are not sent beyond it.</param>
public sealed class DirectLink(Socket socket, int maxUnsent = 256 << 20) : IDisposable
{
    private const int KeptCapacity = 1 << 20;

    private readonly Lock _lock = new();
    private readonly FrameDecoder _decoder = new(DirectHandshake.MaxFrame);
    private ArrayBufferWriter<byte> _filling = new(64 << 10);
    private ArrayBufferWriter<byte> _sending = new(64 << 10);
    private long _smallBytes;
    private bool _busy;
    private bool _closed;
    private Task _flushing = Task.CompletedTask;
    private int _received;
    private int _heard;
    private int _silence;

    public bool IsClosed => Volatile.Read(ref _closed);

    /// <summary>Bytes of the payload of a frame that are read, at most.</summary>
    public int MaxFrame
    {
        get => _decoder.Limit;
        set => _decoder.Limit = value;
    }

    /// <returns>False where the connection is closed; true says nothing of whether the frame arrives.</returns>
    public bool Send(FrameType type, ReadOnlySpan<byte> payload)
    {
        lock (_lock)
        {
            if (!HasRoom(payload.Length))
            {
                return false;
            }

            WriteHeader(type, payload.Length);
            _filling.Write(payload);
            return Started();
        }
    }

    /// <summary>Sends what is large, whatever its size, where no more waits to be sent already than may.</summary>
    /// <returns>False where there is no room, or the connection is closed.</returns>
    public bool SendLarge(FrameType type, ReadOnlySpan<byte> payload)
    {
        lock (_lock)
        {
            if (_closed || _filling.WrittenCount > maxUnsent)
            {
                return false;
            }

            WriteHeader(type, payload.Length);
            _filling.Write(payload);
            return Started();
        }
    }

    /// <summary>Sends a request, which is encoded once, into the buffer that is sent.</summary>
    /// <returns>False where the connection is closed, or the peer does not keep up.</returns>
    public bool Send(InferenceRequest request)
    {
        lock (_lock)
        {
            if (_closed || _filling.WrittenCount > maxUnsent / 4)
            {
                return false;
            }

            var start = _filling.WrittenCount;
            WriteHeader(FrameType.Request, 0);
            try
            {
                RequestCodec.Write(new WireWriter(_filling), request);
            }
            catch
            {
                // Half a frame must not be followed by others.
                Dispose();
                throw;
            }

            var length = _filling.WrittenCount - start - Frame.HeaderSize;
            BinaryPrimitives.WriteInt32LittleEndian(MemoryMarshal.AsMemory(_filling.WrittenMemory).Span[start..], length);
            return Started();
        }
    }

    /// <summary>Reads until the connection ends, handing over all frames that one read brought.</summary>
    /// <exception cref="InvalidDataException">The peer sent what is no frame, or <paramref name="got"/> could not read one.</exception>
    public async Task ReadAsync(Action<IReadOnlyList<Frame>> got, CancellationToken cancellationToken)
    {
        var buffer = new byte[128 << 10];
        List<Frame> frames = [];
        try
        {
            while (await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken) is var count and > 0)
            {
                Interlocked.Increment(ref _received);
                _decoder.Feed(buffer.AsSpan(0, count), frames);
                if (frames.Count > 0)
                {
                    got(frames);
                    frames.Clear();
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The connection broke, or this end closed it.
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>How often this was called in a row, this time too, without that anything came between: how long the peer is silent.</summary>
    public int Silence()
    {
        var received = Volatile.Read(ref _received);
        _silence = received == _heard ? _silence + 1 : 0;
        _heard = received;
        return _silence;
    }

    /// <summary>Waits until all that was sent has left, but not for long.</summary>
    public async Task FlushedAsync(TimeSpan longest, TimeProvider time)
    {
        Task flushing;
        lock (_lock)
        {
            flushing = _flushing;
        }

        try
        {
            await flushing.WaitAsync(longest, time);
        }
        catch (TimeoutException)
        {
            // The peer reads too slowly.
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
        }

        socket.Dispose();
    }

    private bool HasRoom(int length)
    {
        if (!_closed && _smallBytes + (long)length > maxUnsent)
        {
            Dispose();
        }

        _smallBytes += length;
        return !_closed;
    }

    private void WriteHeader(FrameType type, int length)
    {
        var header = _filling.GetSpan(Frame.HeaderSize);
        BinaryPrimitives.WriteInt32LittleEndian(header, length);
        header[4] = (byte)type;
        _filling.Advance(Frame.HeaderSize);
    }

    private bool Started()
    {
        if (!_busy)
        {
            _busy = true;
            _flushing = FlushAsync();
        }

        return true;
    }

    private async Task FlushAsync()
    {
        // Not under the lock of whoever began it, and not on its thread: others fill the buffer meanwhile.
        await Task.Yield();
        try
        {
            while (true)
            {
                lock (_lock)
                {
                    if (_filling.WrittenCount == 0)
                    {
                        _busy = false;
                        return;
                    }

                    (_filling, _sending, _smallBytes) = (_sending, _filling, 0);
                }

                for (var rest = _sending.WrittenMemory; rest.Length > 0;)
                {
                    rest = rest[await socket.SendAsync(rest, SocketFlags.None)..];
                }

                if (_sending.Capacity > KeptCapacity)
                {
                    _sending = new ArrayBufferWriter<byte>(64 << 10);
                }
                else
                {
                    _sending.ResetWrittenCount();
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The reader notices too, and tells whoever waits.
            Dispose();
        }
    }
}
