using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Cuts the outputs of a batch into the answers of its requests, copying each row once.</summary>
/// <param name="indices">Which of the signature's outputs were computed.</param>
internal sealed class ReplySplitter(ModelSignature signature, IReadOnlyList<int> indices, IEnumerable<OrtValue> values, int rows)
{
    private readonly OutputRows[] _outputs = [.. values.Select((value, i) => new OutputRows(signature.Outputs[indices[i]], value))];

    /// <summary>The outputs that somebody in the run asked for, in the order of the signature.</summary>
    public static IReadOnlyList<int> Wanted(ModelSignature signature, IReadOnlyList<PendingRequest> run) =>
        [.. Enumerable.Range(0, signature.Outputs.Length).Where(i => run.Any(r => Wants(r, signature.Outputs[i].Name)))];

    /// <summary>What shows that the rows of an output are not those of the inputs; null where they may be.</summary>
    public string? Mismatch => Array.Find(_outputs, o => o.Shape is not [var outer, ..] || outer != rows) is { } wrong
        ? $"output '{wrong.Name}' has the shape {TensorShape.Format(wrong.Shape)} for {rows} rows"
        : null;

    /// <summary>Those of a run whose outputs have more bytes than may be answered, and how many: known before any is copied.</summary>
    /// <exception cref="UnsplittableOutputException">There are several requests, and a <see cref="Mismatch"/>.</exception>
    public IReadOnlyDictionary<PendingRequest, long> TooLarge(IReadOnlyList<PendingRequest> run, Func<InferenceRequest, int> limit) =>
        Places(run).Select(place => (place.Pending, Bytes: _outputs.Where(o => Wants(place.Pending, o.Name)).Sum(o => o.Bytes(place.Rows))))
            .Where(answer => answer.Bytes > limit(answer.Pending.Request))
            .ToDictionary(answer => answer.Pending, answer => answer.Bytes);

    /// <summary>The answers to a run, but for some of it.</summary>
    /// <exception cref="UnsplittableOutputException">There are several requests, and a <see cref="Mismatch"/>.</exception>
    public Replies Split(
        IReadOnlyList<PendingRequest> run, IEnumerable<PendingRequest> without, DateTimeOffset startedAt, TimeSpan computeTime,
        string worker)
    {
        var replies = new Replies();
        foreach (var (pending, rowsOf) in Places(run).ExceptBy(without, place => place.Pending))
        {
            var request = pending.Request;
            OutputRows[] wanted = [.. _outputs.Where(o => Wants(pending, o.Name))];
            var reply = replies.For(request, ReplyBatch.AnswerSize(worker) + wanted.Sum(o => o.Size(rowsOf)));
            reply.Add(
                request.Id, ReplyOutcome.Completed, null, startedAt - request.EnqueuedAt, computeTime, rows, worker, wanted.Length,
                rowsOf?.First ?? 0);
            foreach (var output in wanted)
            {
                output.AddTo(reply, rowsOf);
            }
        }

        return replies;
    }

    // Where each request's rows are in the outputs; a request alone has them whole, whatever their shape.
    private IEnumerable<(PendingRequest Pending, Rows? Rows)> Places(IReadOnlyList<PendingRequest> run)
    {
        if (run.Count > 1 && Mismatch is { } mismatch)
        {
            throw new UnsplittableOutputException(mismatch);
        }

        var first = 0;
        foreach (var pending in run)
        {
            yield return (pending, run.Count == 1 ? null : new Rows(first, pending.Rows, rows));
            first += pending.Rows;
        }
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
            long[] shape = rows is null ? _shape : [rows.Count, .. _shape.AsSpan(1)];
            reply.AddOutput(Name, _declared.Datatype, shape, _textStarts is null
                ? _value.GetTensorMutableRawData()[(int)from..(int)to]
                : TextTensor.Read(
                    _value, _textStarts, Element(rows?.First ?? 0, rows), Element(rows is null ? 1 : rows.First + rows.Count, rows)));
        }

        private (long From, long To) Range(Rows? rows)
        {
            if (rows is null)
            {
                return (0, _bytes);
            }

            if (_bytes > int.MaxValue)
            {
                throw new OversizedBatchException($"Output '{Name}' of a batch of {rows.All} has {_bytes} bytes.");
            }

            var (first, end) = (rows.First, rows.First + rows.Count);
            return _textStarts is null
                ? (first * (_bytes / rows.All), end * (_bytes / rows.All))
                : (_textStarts[Element(first, rows)], _textStarts[Element(end, rows)]);
        }

        // Of the texts; where there are no rows, all of them are one.
        private int Element(int row, Rows? rows) => row * ((_textStarts!.Length - 1) / (rows?.All ?? 1));
    }

    /// <param name="All">Rows of the whole run.</param>
    private sealed record Rows(int First, int Count, int All);
}

/// <summary>The outputs of a run are not a row for each row of its inputs, so that nobody can say whose they are.</summary>
internal sealed class UnsplittableOutputException(string message) : Exception(message);

/// <summary>The outputs of a batch are more than can be cut apart; those of a smaller one may not be.</summary>
internal sealed class OversizedBatchException(string message) : Exception(message);
