using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Inference.Queue;

public enum EnqueueOutcome
{
    Enqueued,

    /// <summary>The model version's queue is at <see cref="QueueOptions.MaxDepth"/>.</summary>
    Full,
}

/// <summary>The Api's side of the queue: admits a request by one script, hence one round trip.</summary>
public sealed class RequestQueue(IConnectionMultiplexer redis, IOptions<QueueOptions> options)
{
    // Checking the depth and adding in one script keeps the bound exact across Api replicas.
    private const string AdmitScript = """
        local depth = redis.call('XLEN', KEYS[1])
        if depth >= tonumber(ARGV[1]) then
            return 0
        end
        redis.call('XADD', KEYS[1], '*', 'request', ARGV[2])
        redis.call('PUBLISH', ARGV[3], KEYS[1])
        return 1
        """;

    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<EnqueueOutcome> EnqueueAsync(InferenceRequest request)
    {
        try
        {
            var admitted = await redis.GetDatabase().ScriptEvaluateAsync(
                AdmitScript,
                [QueueKeys.Stream(request.Model, request.Version)],
                [options.Value.MaxDepth, RequestCodec.Encode(request), QueueKeys.WakeChannel]);
            return (int)admitted == 1 ? EnqueueOutcome.Enqueued : EnqueueOutcome.Full;
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }

    /// <summary>Requests waiting or running, per model version, in the order asked.</summary>
    /// <exception cref="QueueUnavailableException">Redis could not be reached or refused.</exception>
    public async Task<long[]> DepthsAsync(IEnumerable<(string Model, string Version)> versions)
    {
        try
        {
            var database = redis.GetDatabase();
            return await Task.WhenAll(versions.Select(v => database.StreamLengthAsync(QueueKeys.Stream(v.Model, v.Version))));
        }
        catch (Exception exception) when (QueueUnavailableException.Covers(exception))
        {
            throw new QueueUnavailableException(exception);
        }
    }
}
