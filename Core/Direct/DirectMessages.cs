using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Core.Direct;

/// <summary>How what a worker holds of one model version by direct connections stands, over all replicas.</summary>
/// <param name="Removed">Requests that have left since the worker opened the version.</param>
public sealed record DirectStanding(QueueName Queue, long Depth, long Bytes, long Removed);

/// <summary>A request that the bounds of a worker refuse; <see cref="Admission.Outcome"/> says by which.</summary>
public sealed record DirectRefusal(Guid Id, Admission Admission);

/// <summary>A request that did not come to its end at the worker, and may at another.</summary>
/// <param name="Failure">Why its run failed, through no fault of its own: that counts as a delivery. Null where it was not begun.</param>
public sealed record DirectReturn(Guid Id, string? Failure);

/// <summary>A part of the text of an answer.</summary>
/// <param name="Start">Bytes of the text before it: a replica sees by it whether one is missing or comes twice.</param>
/// <param name="Text">Whole characters of UTF-8.</param>
public readonly record struct DirectPart(Guid Id, int Start, ReadOnlyMemory<byte> Text)
{
    /// <summary>Bytes of a part, at most; a worker sends a longer text in several.</summary>
    public const int MaxBytes = 64 << 10;
}

/// <summary>The frames that hold neither requests nor answers, in bytes.</summary>
public static class DirectMessages
{
    // Two strings of a name, each with its length.
    private const int LeastName = 2 * WireReader.LeastString;

    public static byte[] EncodeServes(IReadOnlyCollection<QueueName> queues) => WireWriter.Message(writer =>
    {
        writer.Int32(queues.Count);
        foreach (var queue in queues)
        {
            Write(writer, queue);
        }
    });

    /// <exception cref="InvalidDataException">The frame is damaged, as with every member that decodes.</exception>
    public static QueueName[] DecodeServes(byte[] payload)
    {
        var reader = new WireReader(payload);
        var queues = new QueueName[reader.Count(LeastName)];
        for (var i = 0; i < queues.Length; i++)
        {
            queues[i] = Name(ref reader);
        }

        return queues;
    }

    public static byte[] EncodePong(IReadOnlyCollection<DirectStanding> standings) => WireWriter.Message(writer =>
    {
        writer.Int32(standings.Count);
        foreach (var standing in standings)
        {
            Write(writer, standing.Queue);
            writer.Int64(standing.Depth);
            writer.Int64(standing.Bytes);
            writer.Int64(standing.Removed);
        }
    });

    public static DirectStanding[] DecodePong(byte[] payload)
    {
        var reader = new WireReader(payload);
        var standings = new DirectStanding[reader.Count(LeastName + 24)];
        for (var i = 0; i < standings.Length; i++)
        {
            standings[i] = new DirectStanding(Name(ref reader), reader.Int64(), reader.Int64(), reader.Int64());
        }

        return standings;
    }

    public static byte[] Encode(DirectRefusal refusal) => WireWriter.Message(writer =>
    {
        writer.Id(refusal.Id);
        writer.Int32((int)refusal.Admission.Outcome);
        writer.Int64(refusal.Admission.Depth);
        writer.Int64(refusal.Admission.Bytes);
        writer.Int64(refusal.Admission.Removed);
    });

    public static DirectRefusal DecodeRefusal(byte[] payload)
    {
        var reader = new WireReader(payload);
        var id = reader.Id();
        var outcome = (EnqueueOutcome)reader.Int32();
        if (outcome is not (EnqueueOutcome.Full or EnqueueOutcome.FullOfBytes or EnqueueOutcome.TooLarge))
        {
            throw new InvalidDataException($"A refusal names {(int)outcome}, which is none.");
        }

        return new DirectRefusal(id, new Admission(outcome, reader.Int64(), reader.Int64(), reader.Int64()));
    }

    public static byte[] Encode(DirectReturn returned) => WireWriter.Message(writer =>
    {
        writer.Id(returned.Id);
        writer.String(returned.Failure);
    });

    public static DirectReturn DecodeReturn(byte[] payload)
    {
        var reader = new WireReader(payload);
        return new DirectReturn(reader.Id(), reader.String());
    }

    public static byte[] Encode(DirectPart part) => WireWriter.Message(writer =>
    {
        writer.Id(part.Id);
        writer.Int32(part.Start);
        writer.Block(part.Text.Span);
    });

    public static DirectPart DecodePart(byte[] payload)
    {
        var reader = new WireReader(payload);
        var (id, start, text) = (reader.Id(), reader.Int32(), reader.Block());
        return start >= 0 && text.Length is > 0 and <= DirectPart.MaxBytes
            ? new DirectPart(id, start, text)
            : throw new InvalidDataException($"A part of an answer begins at {start} and has {text.Length} bytes.");
    }

    public static Guid DecodeCancel(byte[] payload) => new WireReader(payload).Id();

    private static QueueName Name(ref WireReader reader) => new(reader.RequiredString(), reader.RequiredString());

    private static void Write(WireWriter writer, QueueName queue)
    {
        writer.String(queue.Model);
        writer.String(queue.Version);
    }
}
