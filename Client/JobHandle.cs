namespace InferenceTemplate.Client;

/// <summary>A job of the platform, by its id.</summary>
public sealed class JobHandle
{
    private readonly ApiTransport _transport;

    internal JobHandle(ApiTransport transport, Guid id) => (_transport, Id) = (transport, id);

    /// <summary>What <see cref="JobsClient.Get"/> takes.</summary>
    public Guid Id { get; }

    private string Path => $"v1/jobs/{Id}";

    /// <summary>The job as it is now.</summary>
    public Task<InferenceJob> GetAsync(CancellationToken cancellationToken = default) =>
        _transport.GetAsync(Path, ClientJson.Default.InferenceJob, cancellationToken);

    /// <summary>Waits until the job has ended, well or badly; outages and rate limits are waited out.</summary>
    /// <param name="progress">Told of the job now and at each change.</param>
    /// <param name="cancellationToken">Ends the wait, not the job.</param>
    public Task<InferenceJob> WaitAsync(IProgress<InferenceJob>? progress = null, CancellationToken cancellationToken = default) =>
        _transport.FollowAsync($"{Path}/events", ClientJson.Default.InferenceJob, job => job.HasEnded, progress, cancellationToken);

    /// <summary>What the call would have returned.</summary>
    /// <exception cref="InferenceException">
    /// <see cref="InferenceError.Conflict"/> before the end, or where it was cancelled; <see cref="InferenceError.Gone"/> where the result
    /// is no longer kept; else the job's own error.
    /// </exception>
    public Task<InferenceResult> ResultAsync(CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"{Path}/result");
        request.Headers.Accept.ParseAdd("application/octet-stream, application/problem+json;q=0.5");

        // The status of a job that failed is the job's own, which may be 503.
        return _transport.SendAsync(request, InferResponse.ReadAsync, ApiTransport.LongLimit, cancellationToken, Repeat.IfAsked);
    }

    /// <summary>Cancels a job that has not ended; one that runs ends a little later.</summary>
    public Task<InferenceJob> CancelAsync(CancellationToken cancellationToken = default) =>
        _transport.PostAsync($"{Path}/cancel", null, ClientJson.Default.InferenceJob, cancellationToken, Repeat.IfPassing);
}
