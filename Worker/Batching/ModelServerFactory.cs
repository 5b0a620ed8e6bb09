using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Direct;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Jobs;
using InferenceTemplate.Worker.ModelCache;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Batching;

/// <summary>Makes what serves a model version out of its open session and its settings.</summary>
internal sealed class ModelServerFactory(
    QueueConsumers consumers,
    JobLeaseTracker jobs,
    BatchTrust trust,
    TriedInputs tried,
    IOptions<QueueOptions> queue,
    IOptions<ResponseOptions> responses,
    IOptions<WorkerOptions> options,
    IOptions<GenerationOptions> generation,
    ExecutionDevice device,
    DirectServers direct,
    DrainSignal drain,
    ServingState state,
    Telemetry telemetry,
    GenerationTelemetry generations,
    TimeProvider time,
    ILoggerFactory loggers)
{
    /// <summary>Makes a server that has yet to be run.</summary>
    /// <param name="session">Stays the caller's, who disposes it once the server has ended.</param>
    public ModelServer Create(ModelSession session, ServingPlan plan)
    {
        telemetry.Device(device.Name, device.Provider, device.FellBack);
        var key = new ModelKey(session.File.Model, session.File.Version);
        var consumer = consumers.For(key);
        var completion = new JobCompletion(jobs, consumer, state, loggers.CreateLogger<JobCompletion>());
        var rules = BatchRules.For(
            plan.Settings, session.Signature, options.Value, session.Generates ? generation.Value.Slots : device.DefaultInstances);
        return new ModelServer(
            session,
            plan.Batched && session.Signature.IsBatchable && trust.Holds(key),
            trust,
            tried,
            consumer,
            jobs,
            completion,
            rules,
            options.Value,
            queue.Value.KeepInterval,
            responses.Value.ResponseBytes,
            direct,
            drain,
            state,
            telemetry,
            generations,
            time,
            loggers.CreateLogger<ModelServer>());
    }
}
