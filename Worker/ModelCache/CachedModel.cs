using InferenceTemplate.Worker.Execution;

namespace InferenceTemplate.Worker.ModelCache;

internal enum CachedModelState
{
    Loading,
    Ready,

    /// <summary>Out of the cache, its memory not given back yet.</summary>
    Closing,
}

/// <summary>What the cache holds of one version at a moment.</summary>
internal sealed record CachedModelView(ModelKey Key, CachedModelState State, long Bytes, int Leases, DateTimeOffset LastUsed);

/// <summary>A version in the cache. Everything in it is guarded by the cache's lock.</summary>
internal sealed class CachedModel(ModelKey key)
{
    public ModelKey Key { get; } = key;

    public CachedModelState State { get; set; }

    public ModelSession? Session { get; set; }

    /// <summary>Reserved while it loads, then what it was measured to take.</summary>
    public long Bytes { get; set; }

    /// <summary>Holders, and those who wait for it to load.</summary>
    public int Leases { get; set; }

    public bool Pinned { get; set; }

    /// <summary>To be closed as soon as nobody holds it.</summary>
    public bool Doomed { get; set; }

    /// <summary>Grows with each use in the whole cache: the order of eviction, without ties.</summary>
    public long Use { get; set; }

    public DateTimeOffset LastUsed { get; set; }

    public Task Loading { get; set; } = Task.CompletedTask;
}
