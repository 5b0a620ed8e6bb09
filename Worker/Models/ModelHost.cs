using InferenceTemplate.Inference;
using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Catalog.Artefacts;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Store;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Inspection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using StackExchange.Redis;

namespace InferenceTemplate.Worker.Models;

/// <summary>Serves every version that the registry has, and follows its changes until told to stop.</summary>
internal sealed partial class ModelHost(
    IServiceProvider services,
    ExecutionDevice device,
    ModelCatalog catalog,
    ArtefactStore artefacts,
    FolderPublisher folder,
    SchemaHealthCheck schema,
    ServingState state,
    Telemetry telemetry,
    TimeProvider time,
    IOptions<WorkerOptions> options,
    ILogger<ModelHost> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, Served> _served = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Opening models is long and blocking: let the host go on starting, so that probes are answered meanwhile.
        await Task.Yield();
        try
        {
            while ((await schema.CheckHealthAsync(new(), stoppingToken)).Status != HealthStatus.Healthy)
            {
                await Task.Delay(Interval, time, stoppingToken);
            }

            await folder.PublishAsync(stoppingToken);
            using var timer = new PeriodicTimer(Interval, time);
            do
            {
                await FollowAsync(stoppingToken);
                state.Loaded = true;
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Told to stop.
        }
        finally
        {
            await StopAsync([.. _served.Keys]);
        }
    }

    private async Task FollowAsync(CancellationToken stoppingToken)
    {
        try
        {
            var versions = (await catalog.SnapshotAsync(stoppingToken)).Versions.ToDictionary(v => $"{v.Model}/{v.Version}", StringComparer.Ordinal);
            await StopAsync([.. _served.Keys.Where(name => !versions.ContainsKey(name))]);
            foreach (var (name, version) in versions.Where(v => !_served.ContainsKey(v.Key) && !state.Failures.ContainsKey(v.Key)))
            {
                await StartAsync(name, version, stoppingToken);
            }
        }
        catch (Exception exception) when (Outages.IsDatabaseAway(exception))
        {
            LogUnread(exception.Message);
        }
    }

    private async Task StartAsync(string name, ModelVersion version, CancellationToken stoppingToken)
    {
        var path = Path.Combine(Path.GetTempPath(), $"model-{Guid.NewGuid():N}.onnx");
        try
        {
            var start = time.GetTimestamp();
            await using (var source = await artefacts.OpenReadAsync(version.Sha256, stoppingToken))
            await using (var target = new FileStream(path, FileMode.CreateNew))
            {
                await source.CopyToAsync(target, stoppingToken);
            }

            var session = ModelSession.Open(new ModelFile(version.Model, version.Version, path), device);
            session.WarmUp();
            telemetry.Loaded(version.Model, version.Version, time.GetElapsedTime(start));
            var stop = new CancellationTokenSource();
            _served.Add(name, new Served(session, stop, CreateServer(session).RunAsync(stop.Token)));
            state.Serving(name);
            LogServing(name, device.Name, session.SizeBytes, time.GetElapsedTime(start).TotalMilliseconds);
        }
        catch (Exception exception) when (exception is OnnxRuntimeException or NotSupportedException or IOException)
        {
            // One broken file must not keep the others from being served.
            LogBroken(exception, name);
            state.Failed(name, exception.Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private async Task StopAsync(IReadOnlyList<string> names)
    {
        foreach (var name in names)
        {
            state.Stopped(name);
            await _served[name].Stop.CancelAsync();
        }

        foreach (var name in names)
        {
            await _served[name].Running;
            _served[name].Stop.Dispose();
            _served[name].Session.Dispose();
            _served.Remove(name);
        }
    }

    private ModelServer CreateServer(ModelSession session)
    {
        var queueOptions = services.GetRequiredService<IOptions<QueueOptions>>();
        var consumer = new QueueConsumer(
            services.GetRequiredService<IConnectionMultiplexer>(),
            services.GetRequiredService<QueueWakeup>(),
            services.GetRequiredService<QueueCancellations>(),
            queueOptions,
            time,
            services.GetRequiredService<ILogger<QueueConsumer>>(),
            state.WorkerId,
            session.File.Model,
            session.File.Version);
        return new ModelServer(
            session, consumer, options.Value, queueOptions.Value, state, telemetry, time, services.GetRequiredService<ILogger<ModelServer>>());
    }

    private sealed record Served(ModelSession Session, CancellationTokenSource Stop, Task Running);

    [LoggerMessage(LogLevel.Information, "Serving {Model} on {Device}: {Bytes} bytes, warm after {Milliseconds:F0} ms")]
    private partial void LogServing(string model, string device, long bytes, double milliseconds);

    [LoggerMessage(LogLevel.Error, "{Model} could not be opened and is not served; the other models are not affected")]
    private partial void LogBroken(Exception exception, string model);

    [LoggerMessage(LogLevel.Warning, "The registry can't be read; serving what is open: {Reason}")]
    private partial void LogUnread(string reason);
}
