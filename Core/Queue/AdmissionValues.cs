using StackExchange.Redis;

namespace InferenceTemplate.Core.Queue;

/// <summary>The arguments with which a script adds a request.</summary>
internal static class AdmissionValues
{
    public static RedisValue[] Of(InferenceRequest request, QueueName queue, QueueOptions options) =>
    [
        (int)request.Priority + 1,
        RequestCodec.Encode(request),
        request.Id.ToByteArray(),
        request.Deadline.ToUnixTimeMilliseconds(),
        (int)request.Kind,
        options.MaxDepth,
        options.MaxBytes,
        QueueKeys.WorkerGroup,
        QueueKeys.WakeChannel,
        queue.ToString(),
    ];

    /// <summary>As many, where nothing is added: of the request itself only the id is used.</summary>
    public static RedisValue[] WithoutRequest(InferenceRequest request) => ["", "", request.Id.ToByteArray(), "", "", "", "", "", "", ""];
}
