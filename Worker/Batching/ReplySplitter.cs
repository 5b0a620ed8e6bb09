using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Jobs;
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

    /// <summary>The answers by the Api replica that waits for them; a job's by an address of its own.</summary>
    /// <exception cref="UnsplittableOutputException">There are several requests, and a <see cref="Mismatch"/>.</exception>
    public IReadOnlyDictionary<string, ReplyBatch> Split(
        IReadOnlyList<PendingRequest> run, DateTimeOffset startedAt, TimeSpan computeTime, string worker)
    {
        if (run.Count > 1 && Mismatch is { } mismatch)
        {
            throw new UnsplittableOutputException(mismatch);
        }

        var sizes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (pending, rowsOf) in Places(run))
        {
            var answer = ReplyBatch.AnswerSize(worker) + _outputs.Where(o => Wants(pending, o.Name)).Sum(o => o.Size(rowsOf));
            var address = JobSettlement.AddressOf(pending.Request);
            sizes[address] = checked(sizes.GetValueOrDefault(address, ReplyBatch.HeaderSize) + answer);
        }

        var replies = sizes.ToDictionary(s => s.Key, s => new ReplyBatch(s.Value), StringComparer.Ordinal);
        foreach (var (pending, rowsOf) in Places(run))
        {
            var request = pending.Request;
            var reply = replies[JobSettlement.AddressOf(request)];
            var wanted = _outputs.Count(o => Wants(pending, o.Name));
            reply.Add(request.Id, ReplyOutcome.Completed, null, startedAt - request.EnqueuedAt, computeTime, rows, worker, wanted, rowsOf?.First ?? 0);
            foreach (var output in _outputs)
            {
                if (Wants(pending, output.Name))
                {
                    output.AddTo(reply, rowsOf);
                }
            }
        }

        return replies;
    }

    // Where each request's rows are in the outputs; a request alone has them whole, whatever their shape.
    private IEnumerable<(PendingRequest Pending, Rows? Rows)> Places(IReadOnlyList<PendingRequest> run)
    {
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
        private readonly byte[]? _texts;
        private readonly int[] _textStarts = [];
        private readonly long[] _shape;

        public OutputRows(TensorSignature declared, OrtValue value)
        {
            (_declared, _value) = (declared, value);
            _shape = value.GetTensorTypeAndShape().Shape;
            if (declared.Datatype == Datatype.Bytes)
            {
                (_texts, _textStarts) = TextTensor.Read(value);
            }
        }

        public string Name => _declared.Name;

        public long[] Shape => _shape;

        private ReadOnlySpan<byte> Data => _texts ?? _value.GetTensorMutableRawData();

        public int Size(Rows? rows)
        {
            var (from, to) = Range(rows);
            return ReplyBatch.OutputSize(Name, _shape.Length, to - from);
        }

        public void AddTo(ReplyBatch reply, Rows? rows)
        {
            var (from, to) = Range(rows);
            long[] shape = rows is null ? _shape : [rows.Count, .. _shape.AsSpan(1)];
            reply.AddOutput(Name, _declared.Datatype, shape, Data[from..to]);
        }

        private (int From, int To) Range(Rows? rows)
        {
            if (rows is null)
            {
                return (0, Data.Length);
            }

            if (_texts is not null)
            {
                var perRow = (_textStarts.Length - 1) / rows.All;
                return (_textStarts[rows.First * perRow], _textStarts[(rows.First + rows.Count) * perRow]);
            }

            var bytesPerRow = Data.Length / rows.All;
            return (rows.First * bytesPerRow, (rows.First + rows.Count) * bytesPerRow);
        }
    }

    /// <param name="All">Rows of the whole run.</param>
    private sealed record Rows(int First, int Count, int All);
}

/// <summary>The outputs of a run are not a row for each row of its inputs, so that nobody can say whose they are.</summary>
internal sealed class UnsplittableOutputException(string message) : Exception(message);
