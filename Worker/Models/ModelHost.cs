using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Store;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using Npgsql;
using StackExchange.Redis;

namespace InferenceTemplate.Worker.Models;

/// <summary>Opens, warms up and registers every model of the folder, then serves them until told to stop.</summary>
internal sealed partial class ModelHost(
    IServiceProvider services,
    ExecutionDevice device,
    ModelRegistration registration,
    SchemaHealthCheck schema,
    ServingState state,
    Telemetry telemetry,
    TimeProvider time,
    IOptions<WorkerOptions> options,
    ILogger<ModelHost> logger) : BackgroundService
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Opening models is long and blocking: let the host go on starting, so that probes are answered meanwhile.
        await Task.Yield();

        var directory = Path.Combine(AppContext.BaseDirectory, options.Value.ModelsDirectory);
        var sessions = ModelFile.Find(directory).Select(Open).OfType<ModelSession>().ToList();
        try
        {
            await WaitForSchemaAsync(stoppingToken);
            foreach (var session in sessions)
            {
                await RegisterAsync(session, stoppingToken);
                state.Serving($"{session.File.Model}/{session.File.Version}");
            }

            state.Loaded = true;
            LogServing(sessions.Count, device.Name);
            await Task.WhenAll(sessions.Select(s => CreateServer(s).RunAsync(stoppingToken)));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped before all were served.
        }
        finally
        {
            sessions.ForEach(s => s.Dispose());
        }
    }

    // One broken file must not keep the others from being served.
    private ModelSession? Open(ModelFile file)
    {
        var name = $"{file.Model}/{file.Version}";
        try
        {
            var start = time.GetTimestamp();
            var session = ModelSession.Open(file, device);
            session.WarmUp();
            telemetry.Loaded(file.Model, file.Version, time.GetElapsedTime(start));
            LogOpened(name, session.SizeBytes, time.GetElapsedTime(start).TotalMilliseconds);
            return session;
        }
        catch (Exception exception) when (exception is OnnxRuntimeException or NotSupportedException or IOException)
        {
            LogBroken(exception, name);
            state.Failed(name, exception.Message);
            return null;
        }
    }

    private async Task WaitForSchemaAsync(CancellationToken stoppingToken)
    {
        while ((await schema.CheckHealthAsync(new(), stoppingToken)).Status != Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Healthy)
        {
            await Task.Delay(Retry, time, stoppingToken);
        }
    }

    private async Task RegisterAsync(ModelSession session, CancellationToken stoppingToken)
    {
        var version = new ModelVersion
        {
            Model = session.File.Model,
            Version = session.File.Version,
            Platform = "onnxruntime_onnx",
            Sha256 = session.Sha256,
            SizeBytes = session.SizeBytes,
            Signature = session.Signature,
            RegisteredAt = time.GetUtcNow(),
        };
        while (true)
        {
            try
            {
                await registration.RegisterAsync(version, stoppingToken);
                return;
            }
            catch (NpgsqlException exception)
            {
                LogNotRegistered(version.Model, version.Version, exception.Message);
                await Task.Delay(Retry, time, stoppingToken);
            }
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

    [LoggerMessage(LogLevel.Information, "Opened {Model}: {Bytes} bytes, warm after {Milliseconds:F0} ms")]
    private partial void LogOpened(string model, long bytes, double milliseconds);

    [LoggerMessage(LogLevel.Error, "{Model} could not be opened and is not served; the other models are not affected")]
    private partial void LogBroken(Exception exception, string model);

    [LoggerMessage(LogLevel.Information, "Serving {Count} model versions on {Device}")]
    private partial void LogServing(int count, string device);

    [LoggerMessage(LogLevel.Warning, "{Model}/{Version} could not be registered yet: {Reason}")]
    private partial void LogNotRegistered(string model, string version, string reason);
}
