using System.Buffers;
using System.IO.Pipelines;

namespace InferenceTemplate.Api.BatchJobs;

/// <summary>A line of a body.</summary>
/// <param name="Number">From 1; blank lines count.</param>
/// <param name="Bytes">Without its end; null where it is longer than a line may be.</param>
internal readonly record struct JsonLine(int Number, byte[]? Bytes);

/// <summary>Splits a body into its lines as it comes, holding no more than one line of the greatest length.</summary>
internal sealed class JsonLines(PipeReader body, int maxLineBytes, long maxBytes)
{
    private int _number;
    private bool _skipping;

    /// <summary>Bytes read so far.</summary>
    public long Length { get; private set; }

    /// <summary>The lines that have come since the last call, blank ones left out; null at the body's end.</summary>
    /// <exception cref="BatchTooLargeException">The body has more bytes than it may.</exception>
    public async Task<List<JsonLine>?> NextAsync(CancellationToken cancellationToken)
    {
        var read = await body.ReadAsync(cancellationToken);
        var buffer = read.Buffer;
        var lines = new List<JsonLine>();
        var start = buffer.Start;
        while (TryFindEnd(buffer.Slice(start), out var end))
        {
            Take(buffer.Slice(start, end), lines);
            start = buffer.GetPosition(1, end);
        }

        var rest = buffer.Slice(start);
        if (read.IsCompleted)
        {
            Take(rest, lines);
            start = buffer.End;
        }
        else if (rest.Length > maxLineBytes)
        {
            // It can't become shorter: what has come of it need not be kept.
            _skipping = true;
            start = buffer.End;
        }

        Length += buffer.Slice(buffer.Start, start).Length;
        if (Length + buffer.Slice(start).Length > maxBytes)
        {
            throw new BatchTooLargeException();
        }

        body.AdvanceTo(start, buffer.End);
        return read.IsCompleted && lines.Count == 0 ? null : lines;
    }

    private static bool TryFindEnd(ReadOnlySequence<byte> rest, out SequencePosition end)
    {
        var found = rest.PositionOf((byte)'\n');
        end = found ?? default;
        return found is not null;
    }

    private void Take(ReadOnlySequence<byte> line, List<JsonLine> lines)
    {
        _number++;
        if (_skipping || line.Length > maxLineBytes)
        {
            _skipping = false;
            lines.Add(new(_number, null));
            return;
        }

        var bytes = line.ToArray();
        if (bytes.AsSpan().ContainsAnyExcept(" \t\r"u8))
        {
            lines.Add(new(_number, bytes));
        }
    }
}

internal sealed class BatchTooLargeException : Exception;
