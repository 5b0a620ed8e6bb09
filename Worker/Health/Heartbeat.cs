using InferenceTemplate.Core;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Worker.Direct;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Gpu;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Health;

/// <summary>
/// Tells the fleet every second what this worker does, and hears from it whether to drain; falls silent, and so off the list, when it dies.
/// </summary>
internal sealed partial class Heartbeat(
    FleetRegistry fleet,
    ServingState state,
    DrainSwitch drain,
    SessionCache cache,
    GpuReader gpus,
    ExecutionDevice device,
    DirectListener listener,
    DirectServers direct,
    IOptions<WorkerOptions> options,
    TimeProvider time,
    ILogger<Heartbeat> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var before = (state.Inferences, state.Executions, Cpu: Environment.CpuUsage.TotalTime, At: time.GetTimestamp());
        await PeriodicLoop.RunAsync(Interval, ReportAsync, time, logger, stoppingToken);
        await LeaveAsync();

        async Task ReportAsync(CancellationToken cancellationToken)
        {
            if (await fleet.DrainOrderAsync(state.WorkerId) is { } drained)
            {
                await drain.SetAsync(drained);
            }

            var last = before;
            before = (state.Inferences, state.Executions, Environment.CpuUsage.TotalTime, time.GetTimestamp());
            var seconds = time.GetElapsedTime(last.At, before.At).TotalSeconds;
            await fleet.ReportAsync(
                Status((before.Inferences - last.Inferences) / seconds, (before.Executions - last.Executions) / seconds) with
                {
                    CpuCores = Math.Round((before.Cpu - last.Cpu).TotalSeconds / seconds, 3),
                });
        }
    }

    private async Task LeaveAsync()
    {
        try
        {
            await fleet.LeaveAsync(Status(0, 0));
        }
        catch (QueueUnavailableException exception)
        {
            LogSilent(exception.InnerException!.Message);
        }
    }

    private WorkerStatus Status(double inferencesPerSecond, double executionsPerSecond)
    {
        var models = cache.Snapshot();
        return new WorkerStatus(
            state.WorkerId,
            Environment.MachineName,
            state.Started,
            state.Loaded && !drain.IsDrained,
            device.Name,
            device.Provider,
            [.. models.Where(m => m.State == CachedModelState.Ready).Select(m => m.Key.ToString()).Order(StringComparer.Ordinal)],
            inferencesPerSecond,
            executionsPerSecond,
            executionsPerSecond > 0 ? inferencesPerSecond / executionsPerSecond : 0,
            state.InFlight)
        {
            State = drain.IsEmpty ? WorkerState.Drained
                : drain.IsDrained ? WorkerState.Draining
                : state.Loaded ? WorkerState.Ready : WorkerState.Starting,
            Cache = [.. models.Select(m => new CachedModelStatus(m.Key.ToString(), Word(m.State), m.Bytes, m.Leases, m.LastUsed)
            {
                BatchRows = state.LearnedRows.TryGetValue(m.Key.ToString(), out var rows) ? rows : null,
            })],
            MemoryBytes = Environment.WorkingSet,
            ModelMemoryLimit = cache.Limit,
            Failures = [.. cache.Failures.Select(f => new ModelFailure(f.Key.ToString(), f.Reason, f.RetryAt))],
            Gpus = gpus.Read(),
            Build = RunningBuild.Version,
            OnnxRuntime = ExecutionDevice.OnnxRuntime,
            Direct = listener.Endpoint,
            DirectQueues = direct.Statuses(),
            Defaults = new ServingDefaults(options.Value.MaxBatchSize, options.Value.MaxBatchDelay, device.DefaultInstances),
        };
    }

    private static string Word(CachedModelState state) => state switch
    {
        CachedModelState.Loading => "loading",
        CachedModelState.Ready => "ready",
        _ => "closing",
    };

    [LoggerMessage(LogLevel.Warning, "The fleet could not be told that this worker leaves: {Reason}")]
    private partial void LogSilent(string reason);
}
