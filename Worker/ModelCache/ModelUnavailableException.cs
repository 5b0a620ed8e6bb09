namespace InferenceTemplate.Worker.ModelCache;

/// <summary>A model version can't be had now: its load failed, is not tried again yet, or finds no memory.</summary>
/// <param name="retryAfter">When asking again may help.</param>
internal sealed class ModelUnavailableException(string message, TimeSpan retryAfter, Exception? inner = null) : Exception(message, inner)
{
    public TimeSpan RetryAfter { get; } = retryAfter;

    /// <summary>Whether it was not even tried, after loads that failed.</summary>
    public bool IsNotTried { get; init; }
}
