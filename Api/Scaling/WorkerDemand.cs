namespace InferenceTemplate.Api.Scaling;

/// <summary>The answer of <c>GET /scaling/workers</c>.</summary>
/// <param name="Waiting">Requests waiting or running over all models, and uploads waiting to be opened, for an autoscaler to divide by what
/// one worker is to bear.</param>
/// <param name="Workers">Workers that are alive, ready or not.</param>
internal sealed record WorkerDemand(long Waiting, int Workers)
{
    /// <summary>
    /// Workers make models known. In a platform that knows none, nobody can ask for one, so nothing would ever wait: the first worker is
    /// called for without that.
    /// </summary>
    /// <param name="depths">Of the queue of each version that is served.</param>
    /// <param name="uploads">Versions that wait for a worker to open them for the first time.</param>
    public static WorkerDemand Of(IReadOnlyCollection<long> depths, int uploads, int workers) =>
        new(depths.Count == 0 && workers == 0 ? Math.Max(1, uploads) : depths.Sum() + uploads, workers);
}
