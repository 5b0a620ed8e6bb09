using System.Runtime.InteropServices;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Cuts the outputs of a batch into the answers of its requests, copying each row once.</summary>
/// <param name="indices">Which of the signature's outputs were computed.</param>
internal sealed class ReplySplitter(ModelSignature signature, IReadOnlyList<int> indices, IReadOnlyCollection<OrtValue> values, int rows)
{
    private readonly OutputRows[] _outputs = Rowed(signature, indices, values);

    /// <summary>The outputs that somebody in the run asked for, in the order of the signature.</summary>
    public static IReadOnlyList<int> Wanted(ModelSignature signature, PendingRequest[] run)
    {
        var wanted = new List<int>(signature.Outputs.Length);
        for (var i = 0; i < signature.Outputs.Length; i++)
        {
            foreach (var request in run)
            {
                if (Wants(request, signature.Outputs[i].Name))
                {
                    wanted.Add(i);
                    break;
                }
            }
        }

        return wanted;
    }

    /// <summary>What shows that the rows of an output are not those of the inputs; null where they may be.</summary>
    public string? Mismatch
    {
        get
        {
            foreach (var output in _outputs)
            {
                if (output.Shape is not [var outer, ..] || outer != rows)
                {
                    return $"output '{output.Name}' has the shape {TensorShape.Format(output.Shape)} for {rows} rows";
                }
            }

            return null;
        }
    }

    /// <summary>
    /// Those of a run whose outputs have more bytes than may be answered, and how many: known before any is copied. Null for none.
    /// </summary>
    /// <exception cref="UnsplittableOutputException">There are several requests, and a <see cref="Mismatch"/>.</exception>
    public Dictionary<PendingRequest, long>? TooLarge(PendingRequest[] run, Func<InferenceRequest, int> limit)
    {
        Check(run);
        Dictionary<PendingRequest, long>? large = null;
        var first = 0;
        foreach (var pending in run)
        {
            var (place, bytes) = (PlaceOf(run, pending, ref first), 0L);
            foreach (var output in _outputs)
            {
                bytes += Wants(pending, output.Name) ? output.Bytes(place) : 0;
            }

            if (bytes > limit(pending.Request))
            {
                (large ??= [])[pending] = bytes;
            }
        }

        return large;
    }

    /// <summary>The answers to a run, but for some of it.</summary>
    /// <exception cref="UnsplittableOutputException">There are several requests, and a <see cref="Mismatch"/>.</exception>
    public Replies Split(
        PendingRequest[] run, IReadOnlyCollection<PendingRequest> without, DateTimeOffset startedAt, TimeSpan computeTime,
        string worker)
    {
        Check(run);
        var replies = Replies.Take();
        var head = ReplyBatch.AnswerSize(worker);
        var first = 0;
        foreach (var pending in run)
        {
            var place = PlaceOf(run, pending, ref first);
            if (without.Count > 0 && without.Contains(pending))
            {
                continue;
            }

            var (request, size, count) = (pending.Request, head, 0);
            foreach (var output in _outputs)
            {
                if (Wants(pending, output.Name))
                {
                    size += output.Size(place);
                    count++;
                }
            }

            var reply = replies.For(request, size);
            reply.Add(
                request.Id, ReplyOutcome.Completed, null, startedAt - request.EnqueuedAt, computeTime, rows, worker, count,
                place?.First ?? 0);
            foreach (var output in _outputs)
            {
                if (Wants(pending, output.Name))
                {
                    output.AddTo(reply, place);
                }
            }
        }

        return replies;
    }

    private static OutputRows[] Rowed(ModelSignature signature, IReadOnlyList<int> indices, IReadOnlyCollection<OrtValue> values)
    {
        var (outputs, i) = (new OutputRows[values.Count], 0);
        foreach (var value in values)
        {
            outputs[i] = new OutputRows(signature.Outputs[indices[i]], value);
            i++;
        }

        return outputs;
    }

    private void Check(PendingRequest[] run)
    {
        if (run.Length > 1 && Mismatch is { } mismatch)
        {
            throw new UnsplittableOutputException(mismatch);
        }
    }

    // Where a request's rows are in the outputs; a request alone has them whole, whatever their shape.
    private Rows? PlaceOf(PendingRequest[] run, PendingRequest pending, ref int first)
    {
        Rows? place = run.Length == 1 ? null : new Rows(first, pending.Rows, rows);
        first += pending.Rows;
        return place;
    }

    private static bool Wants(PendingRequest request, string output) =>
        request.Request.RequestedOutputs.Length == 0 || Array.IndexOf(request.Request.RequestedOutputs, output) >= 0;

    /// <summary>One output of the run.</summary>
    private sealed class OutputRows
    {
        private readonly TensorSignature _declared;
        private readonly OrtValue _value;
        private readonly long[]? _textStarts;
        private readonly long[] _shape;
        private readonly long _bytes;

        public OutputRows(TensorSignature declared, OrtValue value)
        {
            (_declared, _value) = (declared, value);
            _shape = value.GetTensorTypeAndShape().Shape;
            _textStarts = declared.Datatype == Datatype.Bytes ? TextTensor.Starts(value) : null;
            _bytes = _textStarts?[^1] ?? TensorShape.ElementCount(_shape) * declared.Datatype.Size();
        }

        public string Name => _declared.Name;

        public long[] Shape => _shape;

        public long Bytes(Rows? rows)
        {
            var (from, to) = Range(rows);
            return to - from;
        }

        public int Size(Rows? rows) => ReplyBatch.OutputSize(Name, _shape.Length, checked((int)Bytes(rows)));

        public void AddTo(ReplyBatch reply, Rows? rows)
        {
            var (from, to) = Range(rows);
            long[] shape = rows is { } part ? [part.Count, .. _shape.AsSpan(1)] : _shape;
            reply.AddOutput(Name, _declared.Datatype, shape, _textStarts is null
                ? _value.GetTensorMutableRawData()[(int)from..(int)to]
                : TextTensor.Read(
                    _value, _textStarts, Element(rows?.First ?? 0, rows), Element(rows is { } some ? some.First + some.Count : 1, rows)));
        }

        private (long From, long To) Range(Rows? rows)
        {
            if (rows is not { } part)
            {
                return (0, _bytes);
            }

            if (_bytes > int.MaxValue)
            {
                throw new OversizedBatchException($"Output '{Name}' of a batch of {part.All} has {_bytes} bytes.");
            }

            var (first, end) = (part.First, part.First + part.Count);
            return _textStarts is null
                ? (first * (_bytes / part.All), end * (_bytes / part.All))
                : (_textStarts[Element(first, rows)], _textStarts[Element(end, rows)]);
        }

        // Of the texts; where there are no rows, all of them are one.
        private int Element(int row, Rows? rows) => row * ((_textStarts!.Length - 1) / (rows?.All ?? 1));
    }

    /// <param name="All">Rows of the whole run.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Rows(int First, int Count, int All);
}

/// <summary>The outputs of a run are not a row for each row of its inputs, so that nobody can say whose they are.</summary>
internal sealed class UnsplittableOutputException(string message) : Exception(message);

/// <summary>The outputs of a batch are more than can be cut apart; those of a smaller one may not be.</summary>
internal sealed class OversizedBatchException(string message) : Exception(message);
