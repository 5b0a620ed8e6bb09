using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Api.Queues;

/// <summary>A tensor without its data.</summary>
internal sealed record DeadTensor(string Name, string Datatype, long[] Shape, int Bytes);

internal sealed record DeadRequest(
    Guid Id, string Kind, string Priority, string Tenant, DateTimeOffset EnqueuedAt, DateTimeOffset Deadline, string? TraceParent,
    string? TraceId, DeadTensor[] Inputs);

/// <param name="Request">What it asked, without its data; null where the message can't be read any more.</param>
internal sealed record DeadLetterView(string Id, string Reason, int Deliveries, DateTimeOffset Time, int Bytes, DeadRequest? Request)
{
    public static DeadLetterView Of(DeadLetter letter) => new(
        letter.Id, letter.Reason, letter.Deliveries, letter.Time, letter.Bytes, letter.Request is { } request ? Of(request) : null);

    private static DeadRequest Of(InferenceRequest request) => new(
        request.Id,
        Name(request.Kind),
        Name(request.Priority),
        request.TenantId,
        request.EnqueuedAt,
        request.Deadline,
        request.TraceParent,
        request.TraceId,
        [.. request.Inputs.Select(i => new DeadTensor(i.Name, i.Datatype.Name(), i.Shape, i.Data.Length))]);

    private static string Name<T>(T value)
        where T : struct, Enum => Enum.GetName(value)?.ToLowerInvariant() ?? "unknown";
}

/// <param name="Next">The <c>after</c> of the next page; null on the last.</param>
internal sealed record DeadLetterPage(DeadLetterView[] DeadLetters, string? Next);

/// <summary>A dead letter in the list of all queues.</summary>
internal sealed record QueuedDeadLetter(
    string Model, string Version, string Id, string Reason, int Deliveries, DateTimeOffset Time, int Bytes, DeadRequest? Request)
{
    public static QueuedDeadLetter Of(QueueName queue, DeadLetterView letter) => new(
        queue.Model, queue.Version, letter.Id, letter.Reason, letter.Deliveries, letter.Time, letter.Bytes, letter.Request);
}

/// <param name="DeadLetters">The newest; older ones are in the lists of their queues.</param>
/// <param name="Total">How many there are.</param>
internal sealed record NewestDeadLetters(QueuedDeadLetter[] DeadLetters, long Total);

internal sealed record RequeuedCount(int Requeued);

internal sealed record PurgedCount(long Purged);
