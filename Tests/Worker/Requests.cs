using System.Runtime.InteropServices;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Batching;

namespace InferenceTemplate.Tests.Worker;

/// <summary>Makes requests as the queue would give them out.</summary>
internal static class Requests
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public static ModelSignature Signature(params long[] shape) =>
        new([new TensorSignature("x", Datatype.Fp32, shape)], [new TensorSignature("y", Datatype.Fp32, shape)]);

    public static Tensor Floats(string name, long[] shape, params float[] values) =>
        new(name, Datatype.Fp32, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public static QueuedRequest Queued(
        string id, Tensor[] inputs, string model = "m", Priority priority = Priority.Normal, DateTimeOffset? at = null,
        DateTimeOffset? deadline = null, int deliveries = 1, string[]? outputs = null, string replyTo = "api",
        RequestKind kind = RequestKind.Call)
    {
        var enqueued = at ?? Start;
        return new QueuedRequest(
            id,
            new InferenceRequest(
                Guid.NewGuid(), model, "1", "default", kind, priority, replyTo, enqueued,
                deadline ?? enqueued.AddMinutes(10), null, null, outputs ?? [], inputs),
            deliveries);
    }

    public static PendingRequest Pending(
        string id, long[] shape, Priority priority = Priority.Normal, DateTimeOffset? at = null, DateTimeOffset? deadline = null,
        int deliveries = 1, ModelSignature? signature = null, RequestKind kind = RequestKind.Call)
    {
        var input = new Tensor("x", Datatype.Fp32, shape, new byte[TensorShape.ElementCount(shape) * 4]);
        return PendingRequest.Create(
            signature ?? Signature([-1, .. shape[1..]]),
            Queued(id, [input], priority: priority, at: at, deadline: deadline, deliveries: deliveries, kind: kind),
            batched: true)!;
    }
}
