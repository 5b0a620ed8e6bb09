using System.Collections.Concurrent;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Inspection;
using InferenceTemplate.Worker.ModelCache;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Models;

/// <summary>
/// Answers for every version that the registry lets be served: opens those that are likely to be asked, then each when it is, and gives
/// memory back where it is not used.
/// </summary>
internal sealed partial class ModelHost(
    ModelCatalog catalog,
    FolderPublisher folder,
    SchemaArrival schema,
    ModelPreload preload,
    SessionCache cache,
    RequestQueue queue,
    QueueWakeup wakeup,
    ServingState state,
    IServiceProvider services,
    TimeProvider time,
    IOptions<ModelCacheOptions> options,
    ILogger<ModelHost> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // What looks idle between two requests of a busy caller is not.
    private static readonly TimeSpan ShortestIdle = TimeSpan.FromMilliseconds(50);

    private readonly ConcurrentDictionary<QueueName, Served> _served = new();
    private CatalogSnapshot? _followed;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Reading the registry may block for long: let the host go on starting, so that probes are answered meanwhile.
        await Task.Yield();
        try
        {
            await schema.Arrived.WaitAsync(stoppingToken);
            await folder.PublishAsync(stoppingToken);
            wakeup.Woken = Woken;
            cache.MemoryWanted = () => GiveBackMemory();
            await StartAsync(await FirstSnapshotAsync(stoppingToken), stoppingToken);
            state.Loaded = true;
            await PeriodicLoop.RunAsync(Interval, TickAsync, time, logger, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Told to stop.
        }
        finally
        {
            wakeup.Woken = null;
            await Task.WhenAll(_served.Values.Select(s => s.Running));
        }
    }

    private async Task<CatalogSnapshot> FirstSnapshotAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await catalog.RefreshAsync(stoppingToken);
                return await catalog.SnapshotAsync(stoppingToken);
            }
            catch (Exception exception) when (Outages.IsDatabaseAway(exception))
            {
                LogUnread(exception.Message);
                await Task.Delay(Interval, time, stoppingToken);
            }
        }
    }

    private async Task StartAsync(CatalogSnapshot snapshot, CancellationToken stoppingToken)
    {
        Follow(snapshot, stoppingToken);
        List<ServedModel> first = [];
        foreach (var key in await preload.ChooseAsync(snapshot, cache.Limit, stoppingToken))
        {
            first.Add(_served[new QueueName(key.Model, key.Version)].Model);
        }

        first.ForEach(m => m.Want());
        await Task.WhenAll(first.Select(m => m.Tried)).WaitAsync(stoppingToken);
        LogReady(_served.Count, first.Count, cache.Bytes, cache.Limit);
    }

    private async Task TickAsync(CancellationToken stoppingToken)
    {
        Follow(await catalog.SnapshotAsync(stoppingToken), stoppingToken);
        GiveBackIdle();
        if (cache.MemoryWaitSince is not null)
        {
            GiveBackMemory();
        }

        // The beat beneath the wake-ups: pub/sub may lose one.
        var asleep = _served.Where(s => !s.Value.Model.IsServing).Select(s => s.Key).ToList();
        foreach (var waiting in asleep.Count == 0 ? [] : await queue.WaitingAsync(asleep))
        {
            Woken(waiting);
        }
    }

    // Called on the connection's reader.
    private void Woken(QueueName name)
    {
        if (_served.TryGetValue(name, out var served) && !served.Model.IsServing)
        {
            served.Model.Want();
        }
    }

    private void Follow(CatalogSnapshot snapshot, CancellationToken stoppingToken)
    {
        if (!ReferenceEquals(snapshot, _followed))
        {
            var versions = snapshot.Versions.ToDictionary(v => new QueueName(v.Model, v.Version));
            foreach (var gone in _served.Keys.Where(name => !versions.ContainsKey(name)))
            {
                Withdraw(gone);
            }

            foreach (var (name, version) in versions)
            {
                var settings = snapshot.SettingsOf(version.Model);
                var plan = new ServingPlan(settings, BatchDecision.Of(version, settings).Batched);
                var served = _served.GetOrAdd(name, _ => Serve(version, plan, stoppingToken));
                served.Model.Apply(plan);
            }

            cache.Pin(versions.Values.Where(v => IsKept(snapshot, v)).Select(v => new ModelKey(v.Model, v.Version)));
            state.Versions = versions.Count;
            _followed = snapshot;
        }

        // What is to be open without being asked comes back once there is room for it.
        foreach (var version in snapshot.Versions.Where(v => IsKept(snapshot, v)))
        {
            var model = _served[new QueueName(version.Model, version.Version)].Model;
            if (!model.IsServing && !cache.Contains(model.Key)
                && cache.Bytes + MemoryBudget.Estimate(version, snapshot, cache.Contains) <= cache.Limit)
            {
                model.Want();
            }
        }
    }

    private static bool IsKept(CatalogSnapshot snapshot, ModelVersion version) =>
        snapshot.SettingsOf(version.Model).Pinned || snapshot.ResidencyOf(version.Model) == Residency.Load;

    private Served Serve(ModelVersion version, ServingPlan plan, CancellationToken stoppingToken)
    {
        var model = ActivatorUtilities.CreateInstance<ServedModel>(services, new ModelKey(version.Model, version.Version), plan);
        return new Served(model, model.RunAsync(stoppingToken));
    }

    private void Withdraw(QueueName name)
    {
        if (_served.TryRemove(name, out var served))
        {
            LogWithdrawn(name);
            served.Model.Withdraw();
            cache.Unload(served.Model.Key);
            _ = served.Running.ContinueWith(_ => served.Model.Dispose(), TaskScheduler.Default);
        }
    }

    private void GiveBackIdle()
    {
        foreach (var served in _served.Values.Where(s => s.Model.IdleFor >= options.Value.IdleAfter))
        {
            served.Model.GiveBack();
        }
    }

    // The longest idle goes first. Where all are busy a load that has waited for half of its time gets a turn all the same: it takes
    // the place of what was served longest, whose requests wake it again.
    private void GiveBackMemory()
    {
        List<ServedModel> serving = [.. _served.Values.Select(s => s.Model).Where(m => m.IsServing)];
        var idle = serving.Where(m => m.IdleFor >= ShortestIdle).MaxBy(m => m.IdleFor);
        if (idle is not null)
        {
            idle.GiveBack();
        }
        else if (cache.MemoryWaitSince is { } since && time.GetElapsedTime(since) >= options.Value.ModelMemoryWait / 2)
        {
            serving.MaxBy(m => m.ServingFor)?.GiveBack();
        }
    }

    private sealed record Served(ServedModel Model, Task Running);

    [LoggerMessage(LogLevel.Information, "Answering for {Versions} model versions, {Open} of them preloaded: {Bytes} of {Limit} bytes")]
    private partial void LogReady(int versions, int open, long bytes, long limit);

    [LoggerMessage(LogLevel.Information, "{Model} is not served any more")]
    private partial void LogWithdrawn(QueueName model);

    [LoggerMessage(LogLevel.Warning, "The registry or the queue can't be asked; going on with what is known: {Reason}")]
    private partial void LogUnread(string reason);
}
