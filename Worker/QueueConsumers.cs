using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data.Jobs;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Worker;

/// <summary>Makes this worker's consumers of the queues of model versions.</summary>
internal sealed class QueueConsumers(
    IConnectionMultiplexer redis,
    QueueWakeup wakeup,
    QueueCancellations cancellations,
    JobDeadLetters jobs,
    ServingState state,
    IOptions<QueueOptions> options,
    TimeProvider time,
    ILogger<QueueConsumer> logger)
{
    public QueueConsumer For(ModelKey key) =>
        new(redis, wakeup, cancellations, options, time, logger, state.WorkerId, key.Model, key.Version)
        {
            // A job's row is the truth: it ends there before its entry goes to the dead letters.
            BeforeDeadLetter = (queued, reason) => queued.Request.Kind == RequestKind.Job
                ? jobs.EndAsync(queued.Request, reason)
                : Task.CompletedTask,
        };
}
