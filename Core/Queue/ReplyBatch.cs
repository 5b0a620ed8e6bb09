using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Queue;

/// <summary>
/// One message of answers, whoever gets it. Outputs are copied once, from the runtime's memory into the message.
/// </summary>
public sealed class ReplyBatch
{
    // Raised when the layout changes; during a rolling update a replica refuses what it can't read, and its caller times out.
    private const byte FormatVersion = 1;

    // A replica of before these outcomes refuses messages with them: each is written as an older one whose first row says which it is.
    private static readonly (ReplyOutcome Outcome, ReplyOutcome Written, int Row)[] s_later =
        [(ReplyOutcome.Refused, ReplyOutcome.Failed, -1), (ReplyOutcome.NotLoaded, ReplyOutcome.Unavailable, -2)];

    private readonly ArrayBufferWriter<byte> _buffer;
    private readonly WireWriter _writer;

    /// <param name="size">Bytes of the whole message. Where it is exact, the message is written once; else it is copied to its
    /// length.</param>
    public ReplyBatch(int size = 1024)
    {
        _buffer = new ArrayBufferWriter<byte>(size);
        _writer = new WireWriter(_buffer);
        _writer.Byte(FormatVersion);
    }

    /// <summary>Begins an answer; exactly <paramref name="outputs"/> calls of <see cref="AddOutput"/> must follow.</summary>
    public void Add(
        Guid id,
        ReplyOutcome outcome,
        string? error,
        TimeSpan queueTime,
        TimeSpan computeTime,
        int batchSize,
        string worker,
        int outputs = 0,
        int firstRow = 0)
    {
        foreach (var later in s_later)
        {
            if (outcome == later.Outcome)
            {
                (outcome, firstRow) = (later.Written, later.Row);
                break;
            }
        }

        _writer.Id(id);
        _writer.Byte((byte)outcome);
        _writer.String(error);
        _writer.Int64(queueTime.Ticks);
        _writer.Int64(computeTime.Ticks);
        _writer.Int32(batchSize);
        _writer.Int32(firstRow);
        _writer.String(worker);
        _writer.Int32(outputs);
    }

    public void AddOutput(string name, Datatype datatype, ReadOnlySpan<long> shape, ReadOnlySpan<byte> data) =>
        _writer.Tensor(name, datatype, shape, data);

    /// <summary>Bytes that a message has before its first answer.</summary>
    public static int HeaderSize => 1;

    /// <summary>Bytes written so far.</summary>
    public int Length => _buffer.WrittenCount;

    /// <summary>What is written so far; valid until more is added.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    /// <summary>Bytes of an answer, but for its outputs.</summary>
    public static int AnswerSize(string worker, string? error = null) =>
        16 + 1 + 4 + Encoding.UTF8.GetByteCount(error ?? "") + 8 + 8 + 4 + 4 + 4 + Encoding.UTF8.GetByteCount(worker) + 4;

    /// <summary>Bytes of an output.</summary>
    public static int OutputSize(string name, int dimensions, int data) =>
        4 + Encoding.UTF8.GetByteCount(name) + 1 + 1 + (8 * dimensions) + 4 + data;

    /// <summary>Begins it anew.</summary>
    internal void Clear()
    {
        _buffer.ResetWrittenCount();
        _writer.Byte(FormatVersion);
    }

    /// <summary>The whole message; nothing may be added after it.</summary>
    public byte[] ToMessage() =>
        MemoryMarshal.TryGetArray(_buffer.WrittenMemory, out var written) && written.Array!.Length == written.Count
            ? written.Array
            : _buffer.WrittenSpan.ToArray();

    /// <summary>Reads all the answers of a message; their tensors are slices of it.</summary>
    /// <exception cref="InvalidDataException">The message is cut short, damaged or of another format version.</exception>
    public static IReadOnlyList<InferenceReply> Read(ReadOnlyMemory<byte> message)
    {
        var replies = new List<InferenceReply>();
        foreach (var reply in Each(message))
        {
            replies.Add(reply);
        }

        return replies;
    }

    /// <summary>The same, one after the other as they are asked for.</summary>
    /// <inheritdoc cref="Read" path="/exception"/>
    public static Reader Each(ReadOnlyMemory<byte> message) => new(message);

    /// <summary>The answers of a message, for <c>foreach</c>.</summary>
    public ref struct Reader
    {
        private WireReader _reader;

        internal Reader(ReadOnlyMemory<byte> message)
        {
            _reader = new WireReader(message);
            var version = _reader.Byte();
            if (version != FormatVersion)
            {
                throw new InvalidDataException($"A reply message has format version {version}; this process reads {FormatVersion}.");
            }
        }

        public InferenceReply Current { get; private set; } = null!;

        public readonly Reader GetEnumerator() => this;

        public bool MoveNext()
        {
            if (_reader.AtEnd)
            {
                return false;
            }

            var id = _reader.Id();
            var outcome = _reader.Enumeration<ReplyOutcome>();
            var error = _reader.String();
            var queueTime = new TimeSpan(_reader.Int64());
            var computeTime = new TimeSpan(_reader.Int64());
            var batchSize = _reader.Int32();
            var firstRow = _reader.Int32();
            foreach (var later in s_later)
            {
                if (outcome == later.Written && firstRow == later.Row)
                {
                    (outcome, firstRow) = (later.Outcome, 0);
                    break;
                }
            }

            var worker = _reader.Name();
            var outputs = new Tensor[_reader.Count(WireReader.LeastTensor)];
            for (var i = 0; i < outputs.Length; i++)
            {
                outputs[i] = _reader.Tensor();
            }

            Current = new InferenceReply(id, outcome, error, queueTime, computeTime, batchSize, worker, outputs) { FirstRow = firstRow };
            return true;
        }
    }
}
