using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Tensors;
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

    /// <summary>The answers by the Api replica that waits for them.</summary>
    /// <exception cref="InvalidDataException">An output can't be cut apart by rows.</exception>
    public IReadOnlyDictionary<string, ReplyBatch> Split(
        IReadOnlyList<PendingRequest> run, DateTimeOffset startedAt, TimeSpan computeTime, string worker)
    {
        var replies = new Dictionary<string, ReplyBatch>(StringComparer.Ordinal);
        foreach (var replica in run.GroupBy(r => r.Request.ReplyTo, StringComparer.Ordinal))
        {
            replies[replica.Key] = new ReplyBatch(checked((int)(64 + replica.Sum(r => Size(run, r, worker)))));
        }

        var firstRow = 0;
        foreach (var pending in run)
        {
            var request = pending.Request;
            var reply = replies[request.ReplyTo];
            var wanted = _outputs.Count(o => Wants(pending, o.Name));
            reply.Add(request.Id, ReplyOutcome.Completed, null, startedAt - request.EnqueuedAt, computeTime, rows, worker, wanted, firstRow);
            foreach (var output in _outputs)
            {
                if (Wants(pending, output.Name))
                {
                    output.Add(reply, run.Count == 1 ? null : (firstRow, pending.Rows, rows));
                }
            }

            firstRow += pending.Rows;
        }

        return replies;
    }

    // An answer's fixed part, and of each output its name, shape and share of the bytes; so the message is not moved as it grows.
    private long Size(IReadOnlyList<PendingRequest> run, PendingRequest request, string worker) =>
        64 + (3 * worker.Length) + _outputs.Where(o => Wants(request, o.Name)).Sum(
            o => 128 + (3 * o.Name.Length) + (run.Count == 1 ? o.Bytes : o.Bytes / rows * request.Rows));

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

            Bytes = Data.Length;
        }

        public string Name => _declared.Name;

        public int Bytes { get; }

        private ReadOnlySpan<byte> Data => _texts ?? _value.GetTensorMutableRawData();

        /// <param name="part">First row, rows, rows of the whole run; null for the output as it is.</param>
        public void Add(ReplyBatch reply, (int First, int Count, int All)? part)
        {
            if (part is not { } rows)
            {
                reply.AddOutput(Name, _declared.Datatype, _shape, Data);
                return;
            }

            if (_shape is not [var outer, ..] || outer != rows.All)
            {
                throw new UnsplittableOutputException(
                    $"Output '{Name}' has the shape {TensorShape.Format(_shape)} for a batch of {rows.All}: this model can't be batched by its first dimension.");
            }

            var perRow = checked((int)TensorShape.ElementCount(_shape.AsSpan(1)));
            var (from, to) = _texts is null
                ? (rows.First * (Bytes / rows.All), (rows.First + rows.Count) * (Bytes / rows.All))
                : (_textStarts[rows.First * perRow], _textStarts[(rows.First + rows.Count) * perRow]);
            reply.AddOutput(Name, _declared.Datatype, [rows.Count, .. _shape.AsSpan(1)], Data[from..to]);
        }
    }
}

/// <summary>The model's outputs are not one row for each row of its inputs, whatever its signature says.</summary>
internal sealed class UnsplittableOutputException(string message) : Exception(message);
