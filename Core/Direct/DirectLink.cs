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
public sealed class DirectLink(Socket socket, int maxUnsent = 256 << 20) : IDisposable, IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private readonly FrameDecoder _decoder = new(DirectHandshake.MaxFrame);
    private Unsent _filling = new();
    private Unsent _sending = new();
    private long _smallBytes;
    private bool _busy;
    private bool _closed;
    private TaskCompletionSource? _flushed;
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

    /// <param name="atOnce">Whether it leaves on this thread, where nothing is being sent, and does not wait for others to join it.</param>
    /// <returns>False where the connection is closed; true says nothing of whether the frame arrives.</returns>
    public bool Send(FrameType type, ReadOnlySpan<byte> payload, bool atOnce = false)
    {
        bool begins;
        lock (_lock)
        {
            if (!HasRoom(payload.Length))
            {
                return false;
            }

            Write(type, payload);
            begins = Begins();
        }

        return Flushing(begins, atOnce);
    }

    /// <summary>Sends what is large, whatever its size, where no more waits to be sent already than may.</summary>
    /// <returns>False where there is no room, or the connection is closed.</returns>
    public bool SendLarge(FrameType type, ReadOnlySpan<byte> payload)
    {
        bool begins;
        lock (_lock)
        {
            if (_closed || _filling.Bytes > maxUnsent)
            {
                return false;
            }

            Write(type, payload);
            begins = Begins();
        }

        return Flushing(begins, atOnce: false);
    }

    /// <summary>
    /// Sends a request, which is encoded once, into the buffer that is sent, but for its large tensors: those are sent from where they are,
    /// and must not change.
    /// </summary>
    /// <inheritdoc cref="Send(FrameType, ReadOnlySpan{byte}, bool)" path="/param"/>
    /// <returns>False where the connection is closed, or the peer does not keep up.</returns>
    public bool Send(InferenceRequest request, bool atOnce = false)
    {
        bool begins;
        lock (_lock)
        {
            if (_closed || _filling.Bytes > maxUnsent / 4)
            {
                return false;
            }

            var (start, before) = (_filling.Buffer.WrittenCount, _filling.Bytes);
            WriteHeader(FrameType.Request, 0);
            try
            {
                RequestCodec.Write(new WireWriter(_filling.Buffer, _filling.Large), request);
            }
            catch
            {
                // Half a frame must not be followed by others.
                Dispose();
                throw;
            }

            var length = checked((int)(_filling.Bytes - before - Frame.HeaderSize));
            BinaryPrimitives.WriteInt32LittleEndian(MemoryMarshal.AsMemory(_filling.Buffer.WrittenMemory).Span[start..], length);
            begins = Begins();
        }

        return Flushing(begins, atOnce);
    }

    /// <summary>
    /// Reads until the connection ends, handing over all frames that one read brought. On a thread of its own: through the pool each
    /// message would wake two.
    /// </summary>
    /// <exception cref="InvalidDataException">The peer sent what is no frame, or <paramref name="got"/> could not read one.</exception>
    public async Task ReadAsync(Action<IReadOnlyList<Frame>> got, CancellationToken cancellationToken)
    {
        await using var stopping = cancellationToken.UnsafeRegister(static link => ((DirectLink)link!).Dispose(), this);
        await Task.Factory.StartNew(
            () => Read(got), CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
            TaskScheduler.Default);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private void Read(Action<IReadOnlyList<Frame>> got)
    {
        var buffer = new byte[128 << 10];
        List<Frame> frames = [];
        try
        {
            // Senders must not be blocked either.
            socket.Blocking = false;
            while (true)
            {
                var missing = _decoder.Missing;
                var isLarge = missing.Length >= buffer.Length;
                var count = socket.Receive(isLarge ? missing.Span : buffer, SocketFlags.None, out var error);
                if (error == SocketError.WouldBlock)
                {
                    socket.Poll(Timeout.InfiniteTimeSpan, SelectMode.SelectRead);
                    continue;
                }

                if (error != SocketError.Success || count == 0)
                {
                    return;
                }

                Interlocked.Increment(ref _received);
                if (isLarge)
                {
                    _decoder.Advance(count, frames);
                }
                else
                {
                    _decoder.Feed(buffer.AsSpan(0, count), frames);
                }

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
        Task flushed;
        lock (_lock)
        {
            if (!_busy || _closed)
            {
                return;
            }

            _flushed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            flushed = _flushed.Task;
        }

        try
        {
            await flushed.WaitAsync(longest, time);
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
            _flushed?.TrySetResult();
        }

        try
        {
            // The reader waits for this, and not for the socket's end.
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (SocketException)
        {
            // It was not connected any more.
        }

        socket.Dispose();
    }

    /// <summary>Sends what has gathered, on a thread of the pool.</summary>
    void IThreadPoolWorkItem.Execute() => _ = FlushAsync(once: false);

    private bool HasRoom(int length)
    {
        if (!_closed && _smallBytes + (long)length > maxUnsent)
        {
            Dispose();
        }

        _smallBytes += length;
        return !_closed;
    }

    // Room for the whole frame first: where there is none, nothing of it is written, and others may follow.
    private void Write(FrameType type, ReadOnlySpan<byte> payload)
    {
        _filling.Buffer.GetSpan(Frame.HeaderSize + payload.Length);
        WriteHeader(type, payload.Length);
        _filling.Buffer.Write(payload);
    }

    private void WriteHeader(FrameType type, int length)
    {
        var header = _filling.Buffer.GetSpan(Frame.HeaderSize);
        BinaryPrimitives.WriteInt32LittleEndian(header, length);
        header[4] = (byte)type;
        _filling.Buffer.Advance(Frame.HeaderSize);
    }

    // Whether what is sent from now on is the caller's to send.
    private bool Begins()
    {
        var begins = !_busy;
        _busy = true;
        return begins;
    }

    // Not under the lock: others fill the buffer meanwhile.
    private bool Flushing(bool begins, bool atOnce)
    {
        if (begins && atOnce)
        {
            _ = FlushAsync(once: true);
        }
        else if (begins)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return true;
    }

    /// <param name="once">Whether what gathers during the first send is left to a thread of the pool: this one has other work.</param>
    private async Task FlushAsync(bool once)
    {
        try
        {
            while (true)
            {
                lock (_lock)
                {
                    (_filling, _sending, _smallBytes) = (_sending, _filling, 0);
                }

                var sent = 0;
                for (var i = 0; i < _sending.Large.Count; i++)
                {
                    var (at, bytes) = _sending.Large[i];
                    await SendAsync(_sending.Buffer.WrittenMemory[sent..at]);
                    await SendAsync(bytes);
                    sent = at;
                }

                await SendAsync(_sending.Buffer.WrittenMemory[sent..]);
                _sending.Clear();
                lock (_lock)
                {
                    if (_filling.Bytes == 0)
                    {
                        _busy = false;
                        _flushed?.TrySetResult();
                        _flushed = null;
                        return;
                    }
                }

                if (once)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                    return;
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The reader notices too, and tells whoever waits.
            Dispose();
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None)..];
        }
    }

    /// <summary>Frames that gather, and the large tensors among them.</summary>
    private sealed class Unsent
    {
        private const int Capacity = 64 << 10;
        private const int KeptCapacity = 1 << 20;

        public ArrayBufferWriter<byte> Buffer { get; private set; } = new(Capacity);

        public LargeParts Large { get; } = new();

        public long Bytes => Buffer.WrittenCount + Large.Bytes;

        public void Clear()
        {
            Large.Clear();
            if (Buffer.Capacity > KeptCapacity)
            {
                Buffer = new ArrayBufferWriter<byte>(Capacity);
            }
            else
            {
                Buffer.ResetWrittenCount();
            }
        }
    }
}
