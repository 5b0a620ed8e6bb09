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

    // A replica of before ReplyOutcome.Refused refuses messages with it: it is written as a failure whose first row is this.
    private const int RefusedRow = -1;

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
        _writer.Id(id);
        _writer.Byte((byte)(outcome == ReplyOutcome.Refused ? ReplyOutcome.Failed : outcome));
        _writer.String(error);
        _writer.Int64(queueTime.Ticks);
        _writer.Int64(computeTime.Ticks);
        _writer.Int32(batchSize);
        _writer.Int32(outcome == ReplyOutcome.Refused ? RefusedRow : firstRow);
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
        var reader = new WireReader(message);
        var version = reader.Byte();
        if (version != FormatVersion)
        {
            throw new InvalidDataException($"A reply message has format version {version}; this process reads {FormatVersion}.");
        }

        while (!reader.AtEnd)
        {
            var id = reader.Id();
            var outcome = reader.Enumeration<ReplyOutcome>();
            var error = reader.String();
            var queueTime = new TimeSpan(reader.Int64());
            var computeTime = new TimeSpan(reader.Int64());
            var batchSize = reader.Int32();
            var firstRow = reader.Int32();
            if (outcome == ReplyOutcome.Failed && firstRow == RefusedRow)
            {
                (outcome, firstRow) = (ReplyOutcome.Refused, 0);
            }

            var worker = reader.RequiredString();
            var outputs = new Tensor[reader.Count(WireReader.LeastTensor)];
            for (var i = 0; i < outputs.Length; i++)
            {
                outputs[i] = reader.Tensor();
            }

            replies.Add(new InferenceReply(id, outcome, error, queueTime, computeTime, batchSize, worker, outputs) { FirstRow = firstRow });
        }

        return replies;
    }
}
