namespace InferenceTemplate.Client;

/// <summary>Durable jobs: requests that are committed before they are acknowledged, and whose results are kept for a day.</summary>
public sealed class JobsClient
{
    private readonly ApiTransport _transport;

    internal JobsClient(ApiTransport transport) => _transport = transport;

    /// <summary>Submits a job. It always has an idempotency key, so that it is added once however often it must be sent.</summary>
    /// <param name="model">Its model's name.</param>
    /// <param name="inputs">Each input once.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">
    /// Ends the submission; there may be a job then, as after <see cref="InferenceError.Unreachable"/> and
    /// <see cref="InferenceError.TimedOut"/>. Submitted again with the same idempotency key, it is the same job.
    /// </param>
    public async Task<JobHandle> SubmitAsync(
        string model, IReadOnlyList<InferenceTensor> inputs, InferenceOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new();
        var request = InferContent.Request(
            model, inputs, options with { IdempotencyKey = options.IdempotencyKey ?? Guid.CreateVersion7().ToString("N") });
        request.Headers.Add("Prefer", "respond-async");
        var job = await _transport.SendAsync(
            request, ApiTransport.JsonOf(ClientJson.Default.InferenceJob), ApiTransport.LongLimit, cancellationToken, Repeat.IfPassing)
            .ConfigureAwait(false);
        return Get(job.Id);
    }

    /// <summary>A job that was submitted before, also by another program of the tenant.</summary>
    public JobHandle Get(Guid id) => new(_transport, id);
}
