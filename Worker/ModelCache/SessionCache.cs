using System.Collections.Immutable;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>
/// The open models of this worker, bounded by memory. A model is opened by whoever asks first, once however many ask, stays open
/// for the next, and makes room, least recently used first, only while nobody holds a lease on it.
/// </summary>
internal sealed partial class SessionCache(
    PlanModel plan,
    MemoryBudget budget,
    LoadBreaker breaker,
    IOptions<ModelCacheOptions> options,
    Telemetry telemetry,
    TimeProvider time,
    ILogger<SessionCache> logger) : IAsyncDisposable
{
    private const long NoWait = long.MinValue;

    // What opens still when the process ends ends with it.
    private static readonly TimeSpan LongestDispose = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<ModelKey, CachedModel> _models = [];
    private readonly HashSet<ModelKey> _pinned = [];

    private long _bytes;
    private long _closingBytes;
    private long _uses;
    private long _evictions;
    private long _memoryWaitSince = NoWait;
    private bool _disposed;

    /// <summary>Models opened since the start.</summary>
    public long Loads { get; private set; }

    public long Evictions => Interlocked.Read(ref _evictions);

    public long Limit => budget.Limit;

    /// <summary>Bytes taken by open models, reserved by those that load, and not yet given back by those that are closed.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    public IReadOnlyList<LoadFailure> Failures => breaker.Failures;

    /// <summary>Called while a load waits for memory: whoever holds leases that they do not need may give them back.</summary>
    public Action? MemoryWanted { get; set; }

    /// <summary>When the load that waits for memory now began to (a timestamp); null where none waits.</summary>
    public long? MemoryWaitSince => Interlocked.Read(ref _memoryWaitSince) is var since && since == NoWait ? null : since;

    /// <summary>Whether the version is open or being opened.</summary>
    public bool Contains(ModelKey key)
    {
        lock (_lock)
        {
            return _models.ContainsKey(key);
        }
    }

    /// <summary>Opens the version unless it is open, and keeps it open until the lease is disposed.</summary>
    /// <exception cref="ModelUnavailableException">It can't be opened now; the message says why.</exception>
    public async ValueTask<ModelLease> AcquireAsync(ModelKey key, CancellationToken cancellationToken)
    {
        CachedModel model;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_models.TryGetValue(key, out model!))
            {
                model = _models[key] = new CachedModel(key);
                model.Pinned = _pinned.Contains(key);
                model.Loading = Task.Run(() => LoadAsync(model), CancellationToken.None);
                telemetry.CacheMissed(key.Model, key.Version);
            }
            else
            {
                telemetry.CacheHit(key.Model, key.Version);
            }

            // Whoever waits for the load holds the model already: it can't be evicted before they have had it.
            Use(model);
            model.Leases++;
        }

        try
        {
            await model.Loading.WaitAsync(cancellationToken);
            return new ModelLease(model.Session!, () => Release(model));
        }
        catch
        {
            Release(model);
            throw;
        }
    }

    /// <summary>Versions that are evicted last.</summary>
    public void Pin(IEnumerable<ModelKey> keys)
    {
        lock (_lock)
        {
            _pinned.Clear();
            _pinned.UnionWith(keys);
            foreach (var model in _models.Values)
            {
                model.Pinned = _pinned.Contains(model.Key);
            }
        }
    }

    /// <summary>Closes the version once nobody holds it, and forgets that it failed.</summary>
    public void Unload(ModelKey key)
    {
        breaker.Forget(key);
        lock (_lock)
        {
            if (!_models.TryGetValue(key, out var model))
            {
                return;
            }

            // Who asks from now on gets a new one: the file may be another.
            model.Doomed = true;
            _models.Remove(key);
            CloseIfDone(model);
        }
    }

    public ImmutableArray<CachedModelView> Snapshot()
    {
        lock (_lock)
        {
            return [.. _models.Values.Select(m => new CachedModelView(m.Key, m.State, m.Bytes, m.Leases, m.LastUsed))
                .OrderBy(m => m.LastUsed)];
        }
    }

    /// <summary>Closes everything that is open; all leases must have been given back.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] loading;
        lock (_lock)
        {
            _disposed = true;
            loading = [.. _models.Values.Select(m => m.Loading)];
        }

        await Task.WhenAll(loading).WaitAsync(LongestDispose, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_lock)
        {
            foreach (var model in _models.Values)
            {
                model.Session?.Dispose();
            }

            _models.Clear();
        }
    }

    private void Use(CachedModel model)
    {
        model.Use = ++_uses;
        model.LastUsed = time.GetUtcNow();
    }

    private void Release(CachedModel model)
    {
        lock (_lock)
        {
            model.Leases--;
            Use(model);
            if (model.Leases == 0)
            {
                // Somebody waits for memory: before its holder can lease it again, it goes.
                model.Doomed |= !_disposed && MemoryWaitSince is not null && model.State == CachedModelState.Ready;
                CloseIfDone(model);
                Pulse();
            }
        }
    }

    private void CloseIfDone(CachedModel model)
    {
        if (model is { Doomed: true, Leases: 0, State: CachedModelState.Ready })
        {
            if (_models.GetValueOrDefault(model.Key) == model)
            {
                _models.Remove(model.Key);
                CountEviction(model);
            }

            BeginClosing(model);
            _ = Task.Run(() => Close(model), CancellationToken.None);
        }
    }
}
