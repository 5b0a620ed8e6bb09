namespace InferenceTemplate.Client;

/// <summary>
/// Calls models by the Open Inference Protocol v2 with binary tensors, over REST or gRPC, and manages jobs, batch jobs and models. Safe
/// for concurrent use; the <see cref="HttpClient"/> stays the caller's. Every method throws <see cref="InferenceException"/> where the
/// platform refuses or can't be reached, and <see cref="OperationCanceledException"/> only where its token is canceled.
/// </summary>
public sealed class InferenceClient
{
    /// <summary>Beyond a call's timeout, for the platform's word on it.</summary>
    internal static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>No platform can be set to give a call longer; of a longer timeout it makes its own longest.</summary>
    internal static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(10);

    private readonly ApiTransport _transport;
    private readonly GrpcCalls? _grpc;

    /// <param name="http">
    /// With the platform's address, which ends with a slash where it has a path, and credentials. One that <c>AddInferenceClient</c> makes
    /// sends again what may be; another sends everything once, and its <see cref="HttpClient.Timeout"/>, 100 s unless set, ends longer
    /// uploads: set it to <see cref="Timeout.InfiniteTimeSpan"/>, since each other call has a limit of its own.
    /// </param>
    public InferenceClient(HttpClient http)
        : this(http, grpc: null)
    {
    }

    /// <param name="http">For all but calls of models, and for those where there is no gRPC.</param>
    /// <param name="grpc">For calls of models; not disposed here.</param>
    internal InferenceClient(HttpClient http, GrpcCalls? grpc)
    {
        ArgumentNullException.ThrowIfNull(http);
        _grpc = grpc;
        _transport = new ApiTransport(http);
        Jobs = new JobsClient(_transport);
        Batches = new BatchesClient(_transport);
        Models = new ModelsClient(_transport);
    }

    /// <summary>Durable jobs.</summary>
    public JobsClient Jobs { get; }

    /// <summary>Many requests in one body of JSON lines.</summary>
    public BatchesClient Batches { get; }

    /// <summary>Models and their versions.</summary>
    public ModelsClient Models { get; }

    /// <summary>Runs a model.</summary>
    /// <param name="model">Its name.</param>
    /// <param name="inputs">Each input once.</param>
    /// <param name="options">Null for the defaults.</param>
    /// <param name="cancellationToken">Withdraws the request, also where it waits or runs.</param>
    public Task<InferenceResult> InferAsync(
        string model, IReadOnlyList<InferenceTensor> inputs, InferenceOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var (asked, limit) = (options ?? new(), LimitOf(options?.Timeout));
        return _grpc is null
            ? _transport.SendAsync(
                InferContent.Request(model, inputs, asked), InferResponse.ReadAsync, limit, cancellationToken, Repeat.IfPassing)
            : _grpc.InferAsync(model, inputs, asked, limit, cancellationToken);
    }

    internal static TimeSpan LimitOf(TimeSpan? timeout) => timeout is not { } asked ? ApiTransport.LongLimit
        : (asked < LongestTimeout ? asked : LongestTimeout) + Grace;
}
