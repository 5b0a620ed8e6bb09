namespace InferenceTemplate.Api.Scaling;

/// <summary>The answer of <c>GET /scaling/workers</c>.</summary>
/// <param name="Waiting">Requests waiting or running over all models, for an autoscaler to divide by what one worker is to bear.</param>
/// <param name="Workers">Workers that are alive, ready or not.</param>
internal sealed record WorkerDemand(long Waiting, int Workers)
{
    /// <summary>
    /// Workers make models known. In a platform that knows none, nobody can ask for one, so nothing would ever wait: the first worker is
    /// called for without that.
    /// </summary>
    public static WorkerDemand Of(IReadOnlyCollection<long> depths, int workers) =>
        new(depths.Count == 0 && workers == 0 ? 1 : depths.Sum(), workers);
}
