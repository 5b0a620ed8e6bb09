using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Statistics;

namespace InferenceTemplate.Worker;

/// <summary>
/// Counts this worker's runs, and the jobs whose ends it writes, for the statistics of models. Calls are counted by the Api that answers
/// them.
/// </summary>
internal sealed class StatisticsOfRuns(ServingState state, ModelStatistics statistics, TimeProvider time) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        state.Ran += statistics.Ran;
        state.JobEnded += CountJob;
        return Task.CompletedTask;
    }

    // Nothing is unsubscribed: what runs until the process ends counts.
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void CountJob(InferenceRequest job, TimeSpan compute, JobState outcome)
    {
        var total = time.GetUtcNow() - job.EnqueuedAt;
        var waited = total - compute;
        statistics.Ended(
            job.Model, job.Version, outcome == JobState.Succeeded, total,
            compute > TimeSpan.Zero ? (waited > TimeSpan.Zero ? waited : TimeSpan.Zero) : null, compute);
    }
}
