using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.Execution;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Makes what serves a model version out of its open session and its settings.</summary>
internal sealed class ModelServerFactory(
    IConnectionMultiplexer redis,
    QueueWakeup wakeup,
    QueueCancellations cancellations,
    IOptions<QueueOptions> queue,
    IOptions<WorkerOptions> options,
    ExecutionDevice device,
    DrainSignal drain,
    ServingState state,
    Telemetry telemetry,
    TimeProvider time,
    ILoggerFactory loggers)
{
    /// <param name="session">Stays the caller's, who disposes it once the server has ended.</param>
    public ModelServer Create(ModelSession session, ModelSettings settings)
    {
        var consumer = new QueueConsumer(
            redis, wakeup, cancellations, queue, time, loggers.CreateLogger<QueueConsumer>(), state.WorkerId, session.File.Model, session.File.Version);
        var rules = BatchRules.For(settings, options.Value, device.DefaultInstances);
        return new ModelServer(
            session, consumer, rules, options.Value, queue.Value.KeepInterval, drain, state, telemetry, time, loggers.CreateLogger<ModelServer>());
    }
}
