using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Jobs;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Makes what serves a model version out of its open session and its settings.</summary>
internal sealed class ModelServerFactory(
    QueueConsumers consumers,
    JobLedger jobs,
    IOptions<QueueOptions> queue,
    IOptions<ResponseOptions> responses,
    IOptions<WorkerOptions> options,
    ExecutionDevice device,
    DrainSignal drain,
    ServingState state,
    Telemetry telemetry,
    TimeProvider time,
    ILoggerFactory loggers)
{
    /// <summary>Makes a server that has yet to be run.</summary>
    /// <param name="session">Stays the caller's, who disposes it once the server has ended.</param>
    public ModelServer Create(ModelSession session, ModelSettings settings)
    {
        telemetry.Device(device.Name, device.Provider, device.FellBack);
        var consumer = consumers.For(new ModelKey(session.File.Model, session.File.Version));
        var settlement = new JobSettlement(jobs, consumer, state, loggers.CreateLogger<JobSettlement>());
        var rules = BatchRules.For(settings, options.Value, device.DefaultInstances);
        return new ModelServer(
            session,
            consumer,
            jobs,
            settlement,
            rules,
            options.Value,
            queue.Value.KeepInterval,
            responses.Value.ResponseBytes,
            drain,
            state,
            telemetry,
            time,
            loggers.CreateLogger<ModelServer>());
    }
}
