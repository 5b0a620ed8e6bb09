using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Queue;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Cuts the outputs of a batch into the answers of its requests, copying each row once.</summary>
internal sealed class ReplySplitter(ModelSignature signature, IEnumerable<OrtValue> outputs, int rows)
{
    private readonly OrtValue[] _outputs = [.. outputs];

    /// <summary>The answers by the Api replica that waits for them.</summary>
    public IReadOnlyDictionary<string, ReplyBatch> Split(
        IReadOnlyList<QueuedRequest> run, DateTimeOffset startedAt, TimeSpan computeTime, string worker)
    {
        var replies = new Dictionary<string, ReplyBatch>(StringComparer.Ordinal);
        var firstRow = 0;
        foreach (var queued in run)
        {
            var request = queued.Request;
            var reply = ReplyBatch.For(replies, request.ReplyTo);
            var count = run.Count == 1 ? rows : BatchPlan.Rows(queued);
            int[] wanted = [.. Enumerable.Range(0, _outputs.Length).Where(i =>
                request.RequestedOutputs.Length == 0 || request.RequestedOutputs.Contains(signature.Outputs[i].Name, StringComparer.Ordinal))];
            reply.Add(
                request.Id, ReplyOutcome.Completed, null, startedAt - request.EnqueuedAt, computeTime, rows, worker, wanted.Length, firstRow);
            foreach (var i in wanted)
            {
                AddOutput(reply, i, run.Count == 1, firstRow, count);
            }

            firstRow += count;
        }

        return replies;
    }

    private void AddOutput(ReplyBatch reply, int index, bool whole, int firstRow, int count)
    {
        var declared = signature.Outputs[index];
        var data = _outputs[index].GetTensorMutableRawData();
        var shape = _outputs[index].GetTensorTypeAndShape().Shape;
        if (!whole)
        {
            if (shape[0] != rows)
            {
                throw new InvalidDataException(
                    $"Output '{declared.Name}' has {shape[0]} rows for a batch of {rows}: this model can't be batched by its first dimension.");
            }

            var bytesPerRow = data.Length / rows;
            data = data.Slice(firstRow * bytesPerRow, count * bytesPerRow);
            shape = [count, .. shape.AsSpan(1)];
        }

        reply.AddOutput(declared.Name, declared.Datatype, shape, data);
    }
}
