namespace InferenceTemplate.Inference.Fleet;

/// <summary>What one worker says of itself each second.</summary>
/// <param name="Device">Where it computes: <c>cpu</c> or <c>cuda:0</c>.</param>
/// <param name="Models">The model versions it has loaded and warm, as <c>model/version</c>.</param>
public sealed record WorkerStatus(
    string Id,
    string Host,
    DateTimeOffset Started,
    bool Ready,
    string Device,
    string ExecutionProvider,
    string[] Models,
    double InferencesPerSecond,
    double ExecutionsPerSecond,
    double MeanBatchSize,
    int InFlight);
