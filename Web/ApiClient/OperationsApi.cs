using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>Work that waits, runs or was given up, and who takes it: <c>/v1/jobs</c>, <c>/v1/queues</c> and <c>/v1/workers</c>.</summary>
internal sealed class OperationsApi(ApiTransport transport)
{
    private const int AtOnce = 4;

    /// <summary>A few times as long as the Api is silent where nothing changes.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(45);

    /// <param name="state">Only those of this state; null for all.</param>
    /// <param name="tenant">Another's or <c>all</c>, for an admin; null for the own one.</param>
    /// <param name="cursor">Of the page before; null for the newest.</param>
    public Task<ApiResult<JobPage>> ListJobsAsync(
        string accessToken, string? state, string? model, string? tenant, string? cursor, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/jobs", ("state", state), ("model", model), ("tenant", tenant), ("cursor", cursor), ("limit", "50")),
            accessToken, ApiJson.Default.JobPage, cancellationToken);

    public Task<ApiResult<Job>> GetJobAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.GetAsync($"/v1/jobs/{id}", accessToken, ApiJson.Default.Job, cancellationToken);

    /// <summary>Tells of a job now and at each change, until it has ended or the Api ends the stream.</summary>
    public Task<ApiResult<Done>> FollowJobAsync(
        string accessToken, Guid id, Func<Job, Task> changed, CancellationToken cancellationToken) =>
        FollowAsync($"/v1/jobs/{id}/events", accessToken, ApiJson.Default.Job, changed, cancellationToken);

    private Task<ApiResult<Done>> FollowAsync<T>(
        string path, string accessToken, JsonTypeInfo<T> type, Func<T, Task> changed, CancellationToken cancellationToken) =>
        transport.FollowAsync(
            HttpMethod.Get, path, accessToken, content: null, Silence,
            async events =>
            {
                await foreach (var data in events)
                {
                    // A ping has none.
                    if (data.Length > 0)
                    {
                        await changed(JsonSerializer.Deserialize(data, type)!);
                    }
                }

                return Done.Instance;
            },
            cancellationToken);

    public Task<ApiResult<Done>> CancelJobAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Post, $"/v1/jobs/{id}/cancel", accessToken, cancellationToken);

    /// <summary>Queues jobs anew that did not succeed. What is refused, is so for its own reason.</summary>
    public Task<ApiResult<ManyDone>> RetryJobsAsync(
        string accessToken, IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) =>
        ForEachAsync(ids, id => transport.DoAsync(HttpMethod.Post, $"/v1/jobs/{id}/retry", accessToken, cancellationToken));

    // A few at a time.
    private static async Task<ApiResult<ManyDone>> ForEachAsync<T>(IReadOnlyCollection<T> all, Func<T, Task<ApiResult<Done>>> call)
    {
        var results = new List<ApiResult<Done>>();
        foreach (var some in all.Chunk(AtOnce))
        {
            results.AddRange(await Task.WhenAll(some.Select(call)));
        }

        var refused = results.Where(result => result.Failure is not null).ToList();
        return refused.Find(result => refused.Count == all.Count || result.Failure == ApiFailure.Unauthorized) is { } none
            ? ApiResult<ManyDone>.Failed(none.Failure!.Value, none.Detail)
            : ApiResult<ManyDone>.Of(new ManyDone(results.Count - refused.Count, refused.Count, refused.FirstOrDefault()?.Detail));
    }

    public Task<ApiResult<Done>> DeleteJobAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Delete, $"/v1/jobs/{id}", accessToken, cancellationToken);

    /// <summary>What the call would have answered, as JSON.</summary>
    public Task<ApiResult<string>> GetJobResultAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.ReadTextAsync($"/v1/jobs/{id}/result", accessToken, cancellationToken);

    public Task<ApiResult<BatchPage>> ListBatchesAsync(
        string accessToken, string? state, string? tenant, string? cursor, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/batches", ("state", state), ("tenant", tenant), ("cursor", cursor), ("limit", "50")), accessToken,
            ApiJson.Default.BatchPage, cancellationToken);

    public Task<ApiResult<Batch>> GetBatchAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.GetAsync($"/v1/batches/{id}", accessToken, ApiJson.Default.Batch, cancellationToken);

    /// <summary>Tells of a batch job now and as its lines end, until it has ended or the Api ends the stream.</summary>
    public Task<ApiResult<Done>> FollowBatchAsync(
        string accessToken, Guid id, Func<Batch, Task> changed, CancellationToken cancellationToken) =>
        FollowAsync($"/v1/batches/{id}/events", accessToken, ApiJson.Default.Batch, changed, cancellationToken);

    public Task<ApiResult<Done>> CancelBatchAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Post, $"/v1/batches/{id}/cancel", accessToken, cancellationToken);

    public Task<ApiResult<Done>> DeleteBatchAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Delete, $"/v1/batches/{id}", accessToken, cancellationToken);

    /// <summary>The newest dead letters of all queues, or of one model's.</summary>
    public Task<ApiResult<DeadLetterList>> ListDeadLettersAsync(string accessToken, string? model, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/queues/dead-letters", ("model", model), ("limit", "200")),
            accessToken, ApiJson.Default.DeadLetterList, cancellationToken);

    /// <summary>Puts dead letters back into their queues as new.</summary>
    public Task<ApiResult<ManyDone>> RequeueAsync(
        string accessToken, IReadOnlyCollection<DeadLetter> letters, CancellationToken cancellationToken) =>
        ForEachAsync(letters, letter => transport.DoAsync(HttpMethod.Post, $"{Path(letter)}/requeue", accessToken, cancellationToken));

    public Task<ApiResult<ManyDone>> PurgeAsync(
        string accessToken, IReadOnlyCollection<DeadLetter> letters, CancellationToken cancellationToken) =>
        ForEachAsync(letters, letter => transport.DoAsync(HttpMethod.Delete, Path(letter), accessToken, cancellationToken));

    public Task<ApiResult<QueueOverviews>> ListQueuesAsync(string accessToken, CancellationToken cancellationToken) =>
        transport.GetAsync("/v1/queues", accessToken, ApiJson.Default.QueueOverviews, cancellationToken);

    /// <summary>Has a worker take nothing new, or take work again; it hears of it within a second.</summary>
    public Task<ApiResult<Done>> DrainAsync(string accessToken, string worker, bool drained, CancellationToken cancellationToken) =>
        transport.DoAsync(
            HttpMethod.Post, $"/v1/workers/{Uri.EscapeDataString(worker)}/{(drained ? "drain" : "undrain")}", accessToken, cancellationToken);

    private static string Path(DeadLetter letter) =>
        $"/v1/queues/{Uri.EscapeDataString(letter.Model)}/{Uri.EscapeDataString(letter.Version)}/dead-letters/{letter.Id}";
}

/// <summary>What <c>GET /v1/jobs</c> answers.</summary>
public sealed record JobPage(IReadOnlyList<Job> Jobs, string? NextCursor);

/// <param name="Progress">From 0 to 1.</param>
/// <param name="RequestId">The caller's own.</param>
/// <param name="DeadlineAt">After this it is not begun any more.</param>
/// <param name="ExpiresAt">After this its result is gone.</param>
public sealed record Job(
    Guid Id,
    string State,
    string ModelName,
    string ModelVersion,
    string Priority,
    int Attempt,
    int MaxAttempts,
    double Progress,
    bool CancelRequested,
    string? Error,
    DateTimeOffset CreatedAt,
    DateTimeOffset? FinishedAt,
    DateTimeOffset? StartedAt = null,
    DateTimeOffset? DeadlineAt = null,
    DateTimeOffset? ExpiresAt = null,
    string? RequestId = null,
    string? Tenant = null,
    string? TraceId = null)
{
    /// <summary>By its identity: a grid that is read again keeps its row, and the focus in it.</summary>
    public bool Equals(Job? other) => other is not null && other.Id == Id;

    public override int GetHashCode() => Id.GetHashCode();

    /// <summary>Whether it waits or runs.</summary>
    public bool IsOpen => State is "queued" or "running";

    /// <summary>Whether it ended, and has no result.</summary>
    public bool MayBeRetried => State is "failed" or "cancelled" or "dead_lettered";
}

/// <param name="Reason">Why the first of those that were refused was.</param>
public sealed record ManyDone(int Count, int Refused, string? Reason);

/// <summary>What <c>GET /v1/queues/dead-letters</c> answers.</summary>
/// <param name="Total">How many there are, listed or not.</param>
public sealed record DeadLetterList(IReadOnlyList<DeadLetter> DeadLetters, long Total);

/// <param name="Request">Null where its message can't be read any more: such a one can only be purged.</param>
public sealed record DeadLetter(
    string Model, string Version, string Id, string Reason, int Deliveries, DateTimeOffset Time, int Bytes, DeadRequest? Request);

public sealed record DeadRequest(Guid Id, string Kind, string Priority, string Tenant, string? TraceId);

/// <summary>What <c>GET /v1/queues</c> answers.</summary>
public sealed record QueueOverviews(IReadOnlyList<QueueOverview> Queues);

/// <param name="Waiting">Of the depth, those that no worker has taken.</param>
/// <param name="OldestSeconds">Age of the oldest request; zero where there is none.</param>
/// <param name="DrainedPerSecond">Requests that leave it; null while too little of it was seen.</param>
public sealed record QueueOverview(
    string Model, string Version, QueueDepths Depth, long Waiting, long Bytes, double OldestSeconds, double? DrainedPerSecond,
    long DeadLetters)
{
    /// <summary>By its identity: a grid that is read again keeps its row, and the focus in it.</summary>
    public bool Equals(QueueOverview? other) => other is not null && other.Model == Model && other.Version == Version;

    public override int GetHashCode() => HashCode.Combine(Model, Version);
}

/// <summary>Requests that wait or run, by priority.</summary>
public sealed record QueueDepths(long High, long Normal, long Low, long Shadow)
{
    public long All => High + Normal + Low + Shadow;
}

/// <summary>What <c>GET /v1/batches</c> answers.</summary>
public sealed record BatchPage(IReadOnlyList<Batch> Batches, string? NextCursor);

/// <param name="OutputUrl">Below the Api's address; null while there is no file.</param>
public sealed record Batch(
    Guid Id, string State, BatchCounts Counts, DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt, DateTimeOffset? ExpiresAt,
    string? OutputUrl, string? ErrorsUrl, DateTimeOffset? StartedAt = null, string? TraceId = null, string? Tenant = null)
{
    /// <summary>By its identity: a grid that is read again keeps its row, and the focus in it.</summary>
    public bool Equals(Batch? other) => other is not null && other.Id == Id;

    public override int GetHashCode() => Id.GetHashCode();

    public bool IsOpen => State is "queued" or "running";
}

/// <summary>Lines in all, and how many of them have ended well and badly.</summary>
public sealed record BatchCounts(int Total, int Completed, int Failed);
