namespace InferenceTemplate.Client;

/// <summary>Batch jobs: many requests in one body of JSON lines, run with low priority.</summary>
public sealed class BatchesClient
{
    private readonly ApiTransport _transport;

    internal BatchesClient(ApiTransport transport) => _transport = transport;

    /// <summary>Submits a batch job. The lines are sent while they are read, and once.</summary>
    /// <param name="lines">
    /// JSON lines with a <c>body</c>, the request as JSON, a <c>model</c> and a <c>custom_id</c>; stays open. What reading it throws is
    /// thrown.
    /// </param>
    /// <param name="progress">Told the bytes sent so far.</param>
    /// <param name="cancellationToken">
    /// Ends the submission; there may be a batch job then, as after <see cref="InferenceError.Unreachable"/>.
    /// </param>
    public async Task<BatchHandle> SubmitAsync(
        Stream lines, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(lines);
        var request = new HttpRequestMessage(HttpMethod.Post, "v1/batches")
        {
            Content = new UploadContent(lines, "application/jsonl", progress),
            Headers = { ExpectContinue = true },
        };
        var batch = await _transport.SendAsync(
            request, ApiTransport.JsonOf(ClientJson.Default.InferenceBatch), Timeout.InfiniteTimeSpan, cancellationToken)
            .ConfigureAwait(false);
        return Get(batch.Id);
    }

    /// <summary>A batch job that was submitted before, also by another program of the tenant.</summary>
    public BatchHandle Get(Guid id) => new(_transport, id);
}

/// <summary>A batch job of the platform, by its id.</summary>
public sealed class BatchHandle
{
    private readonly ApiTransport _transport;

    internal BatchHandle(ApiTransport transport, Guid id) => (_transport, Id) = (transport, id);

    /// <summary>What <see cref="BatchesClient.Get"/> takes.</summary>
    public Guid Id { get; }

    private string Path => $"v1/batches/{Id}";

    /// <summary>The batch job as it is now.</summary>
    public Task<InferenceBatch> GetAsync(CancellationToken cancellationToken = default) =>
        _transport.GetAsync(Path, ClientJson.Default.InferenceBatch, cancellationToken);

    /// <summary>Waits until all lines have ended; outages and rate limits are waited out.</summary>
    /// <param name="progress">Told of the batch job now and as lines end.</param>
    /// <param name="cancellationToken">Ends the wait, not the batch job.</param>
    public Task<InferenceBatch> WaitAsync(IProgress<InferenceBatch>? progress = null, CancellationToken cancellationToken = default) =>
        _transport.FollowAsync($"{Path}/events", ClientJson.Default.InferenceBatch, batch => batch.HasEnded, progress, cancellationToken);

    /// <summary>Responses of the lines that ended well, in their order, read as they arrive.</summary>
    /// <exception cref="InferenceException"><see cref="InferenceError.TimedOut"/> where no line comes for 100 s.</exception>
    public IAsyncEnumerable<BatchLine> OutputAsync(CancellationToken cancellationToken = default) =>
        _transport.LinesAsync($"{Path}/output", ClientJson.Default.BatchLine, cancellationToken);

    /// <summary>The lines that failed, in their order, and why.</summary>
    /// <inheritdoc cref="OutputAsync" path="/exception"/>
    public IAsyncEnumerable<BatchLine> ErrorsAsync(CancellationToken cancellationToken = default) =>
        _transport.LinesAsync($"{Path}/errors", ClientJson.Default.BatchLine, cancellationToken);

    /// <summary>Cancels what has not ended.</summary>
    public Task<InferenceBatch> CancelAsync(CancellationToken cancellationToken = default) =>
        _transport.PostAsync($"{Path}/cancel", null, ClientJson.Default.InferenceBatch, cancellationToken, Repeat.IfPassing);
}
