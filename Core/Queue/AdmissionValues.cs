using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>The arguments with which a script adds a request.</summary>
internal static class AdmissionValues
{
    public static RedisValue[] Of(InferenceRequest request, QueueName queue, QueueOptions options) =>
        [.. OfEntry(request, RequestCodec.Encode(request)), .. OfQueue(queue, options)];

    /// <summary>Those of the request.</summary>
    /// <param name="encoded">The same, encoded.</param>
    public static RedisValue[] OfEntry(InferenceRequest request, byte[] encoded) =>
    [
        (int)request.Priority + 1,
        encoded,
        request.Id.ToByteArray(),
        request.Deadline.ToUnixTimeMilliseconds(),
        (int)request.Kind,
    ];

    /// <summary>Those of the queue.</summary>
    public static RedisValue[] OfQueue(QueueName queue, QueueOptions options) =>
        [options.MaxDepth, options.MaxBytes, QueueKeys.WorkerGroup, QueueKeys.WakeChannel, queue.ToString()];

    /// <summary>As many, where nothing is added: of the request itself only the id is used.</summary>
    public static RedisValue[] WithoutRequest(InferenceRequest request) => ["", "", request.Id.ToByteArray(), "", "", "", "", "", "", ""];
}
