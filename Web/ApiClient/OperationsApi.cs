namespace InferenceTemplate.Web.ApiClient;

/// <summary>Work that waits, runs or was given up, and who takes it: <c>/v1/jobs</c>, <c>/v1/queues</c> and <c>/v1/workers</c>.</summary>
internal sealed class OperationsApi(ApiTransport transport)
{
    private const int RetriesAtOnce = 4;

    /// <param name="state">Only those of this state; null for all.</param>
    /// <param name="cursor">Of the page before; null for the newest.</param>
    public Task<ApiResult<JobPage>> ListJobsAsync(
        string accessToken, string? state, string? model, string? cursor, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/jobs", ("state", state), ("model", model), ("cursor", cursor), ("limit", "50")),
            accessToken, ApiJson.Default.JobPage, cancellationToken);

    public Task<ApiResult<Done>> CancelJobAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Post, $"/v1/jobs/{id}/cancel", accessToken, cancellationToken);

    /// <summary>Queues jobs anew that did not succeed, a few at a time. What is refused, is so for its own reason.</summary>
    public async Task<ApiResult<RetriedJobs>> RetryJobsAsync(
        string accessToken, IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
    {
        var results = new List<ApiResult<Done>>();
        foreach (var some in ids.Chunk(RetriesAtOnce))
        {
            results.AddRange(await Task.WhenAll(some.Select(id =>
                transport.DoAsync(HttpMethod.Post, $"/v1/jobs/{id}/retry", accessToken, cancellationToken))));
        }

        var refused = results.Where(result => result.Failure is not null).ToList();
        return refused.Find(result => refused.Count == ids.Count || result.Failure == ApiFailure.Unauthorized) is { } all
            ? ApiResult<RetriedJobs>.Failed(all.Failure!.Value, all.Detail)
            : ApiResult<RetriedJobs>.Of(new RetriedJobs(results.Count - refused.Count, refused.Count, refused.FirstOrDefault()?.Detail));
    }

    public Task<ApiResult<Done>> DeleteJobAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Delete, $"/v1/jobs/{id}", accessToken, cancellationToken);

    /// <summary>What the call would have answered, as JSON.</summary>
    public Task<ApiResult<string>> GetJobResultAsync(string accessToken, Guid id, CancellationToken cancellationToken) =>
        transport.ReadTextAsync($"/v1/jobs/{id}/result", accessToken, cancellationToken);

    /// <summary>The newest dead letters of all queues, or of one model's.</summary>
    public Task<ApiResult<DeadLetterList>> ListDeadLettersAsync(string accessToken, string? model, CancellationToken cancellationToken) =>
        transport.GetAsync(
            Query.Of("/v1/queues/dead-letters", ("model", model), ("limit", "200")),
            accessToken, ApiJson.Default.DeadLetterList, cancellationToken);

    public Task<ApiResult<Done>> RequeueAsync(string accessToken, DeadLetter letter, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Post, $"{Path(letter)}/requeue", accessToken, cancellationToken);

    public Task<ApiResult<Done>> PurgeAsync(string accessToken, DeadLetter letter, CancellationToken cancellationToken) =>
        transport.DoAsync(HttpMethod.Delete, Path(letter), accessToken, cancellationToken);

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
    DateTimeOffset? FinishedAt)
{
    /// <summary>Whether it ended, and has no result.</summary>
    public bool MayBeRetried => State is "failed" or "cancelled" or "dead_lettered";
}

/// <param name="Reason">Why the first of those that were refused was.</param>
public sealed record RetriedJobs(int Queued, int Refused, string? Reason);

/// <summary>What <c>GET /v1/queues/dead-letters</c> answers.</summary>
/// <param name="Total">How many there are, listed or not.</param>
public sealed record DeadLetterList(IReadOnlyList<DeadLetter> DeadLetters, long Total);

/// <param name="Request">Null where its message can't be read any more: such a one can only be purged.</param>
public sealed record DeadLetter(
    string Model, string Version, string Id, string Reason, int Deliveries, DateTimeOffset Time, int Bytes, DeadRequest? Request);

public sealed record DeadRequest(Guid Id, string Kind, string Priority, string Tenant, string? TraceParent);
