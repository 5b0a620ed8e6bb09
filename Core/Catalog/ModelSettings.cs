namespace InferenceTemplate.Core.Catalog;

/// <summary>How a model is served, for all its versions: kept in Postgres, changed by the models API without a restart.</summary>
/// <remarks>
/// Settable, not <c>init</c>: generated JSON readers set every <c>init</c> property, to nothing where the JSON lacks it, and so
/// would lose these defaults.
/// </remarks>
public sealed record ModelSettings
{
    public BatchingSettings Batching { get; set; } = new();

    /// <summary>
    /// Runs of each version that may overlap in a worker, over one copy of its weights. 1 to 16; null where the worker's own setting
    /// stands.
    /// </summary>
    public int? Instances { get; set; }

    /// <summary>Loaded at a worker's start and evicted last. Default false.</summary>
    public bool Pinned { get; set; }

    /// <summary>What answers in this model's place while it can't be loaded; null for an error.</summary>
    public FallbackModel? Fallback { get; set; }

    /// <summary>Null: answers are not cached.</summary>
    public CacheSettings? Cache { get; set; }

    /// <summary>Whether inputs with NaN or infinity are refused. Default false.</summary>
    public bool RefuseNan { get; set; }

    public TrafficPolicy Traffic { get; set; } = new();

    public DriftSettings Drift { get; set; } = new();

    public PayloadSettings Payload { get; set; } = new();

    /// <summary>What an hour of the device costs, in the currency of <c>Costs:Currency</c>; null for the configured price.</summary>
    public decimal? PricePerDeviceHour { get; set; }

    /// <summary>What a million tokens of prompts cost, beside the device's time; null for nothing.</summary>
    public decimal? PricePerMillionPromptTokens { get; set; }

    /// <summary>What a million generated tokens cost, beside the device's time; null for nothing.</summary>
    public decimal? PricePerMillionCompletionTokens { get; set; }
}

/// <summary>How requests of a version are brought together into runs; null where the worker's own setting stands.</summary>
public sealed record BatchingSettings
{
    /// <summary>Whether requests of different callers share runs.</summary>
    public BatchingMode Mode { get; set; }

    /// <summary>Versions for which another mode stands.</summary>
    public IReadOnlyDictionary<string, BatchingMode> Versions { get; set; } = new Dictionary<string, BatchingMode>();

    /// <summary>Rows that may run together. 1 to 4,096.</summary>
    public int? MaxSize { get; set; }

    /// <summary>Sizes at which a batch is run without waiting for more, smallest first.</summary>
    public int[] PreferredSizes { get; set; } = [];

    /// <summary>How long a batch that is not full waits for more. 0 to 1 s.</summary>
    public TimeSpan? MaxDelay { get; set; }

    /// <summary>What becomes of requests whose shapes differ beyond the first dimension.</summary>
    public RaggedShapes Ragged { get; set; }

    /// <summary>What stands for a version.</summary>
    public BatchingMode ModeOf(string version) => Versions.TryGetValue(version, out var mode) ? mode : Mode;
}

public enum BatchingMode
{
    /// <summary>Where rows were proven independent of each other.</summary>
    Auto,

    /// <summary>Also where that was not proven: whoever says so answers for what callers then see of each other.</summary>
    On,

    /// <summary>Never.</summary>
    Off,
}

public enum RaggedShapes
{
    /// <summary>Each shape runs in batches of its own.</summary>
    Separate,

    /// <summary>Zeros bring them to the largest; only for models that mask or ignore padding, and where no output is of a length of its own.</summary>
    Pad,
}

/// <param name="Version">Null for whichever version that model's own traffic policy names.</param>
public sealed record FallbackModel(string Model, string? Version = null);

/// <param name="TimeToLive">1 s to 24 h.</param>
/// <param name="MaxBytes">Of all answers of a version together, 1 KiB to 1 GiB.</param>
public sealed record CacheSettings(TimeSpan TimeToLive, long MaxBytes = 64L << 20);

/// <summary>Which version answers a request that names none.</summary>
public sealed record TrafficPolicy
{
    /// <summary>Null: the highest version that is ready.</summary>
    public string? Stable { get; set; }

    public CanaryRule? Canary { get; set; }

    public ShadowRule? Shadow { get; set; }

    /// <summary>Null: a canary stays until somebody ends it.</summary>
    public RollbackRule? Rollback { get; set; }

    /// <summary>When this policy began: what a version did under an earlier one is not held against it. Null before the first.</summary>
    public DateTimeOffset? Since { get; set; }

    /// <summary>The versions that it names, with the fields that name them.</summary>
    public IEnumerable<(string Field, string Version)> Versions()
    {
        if (Stable is not null)
        {
            yield return ("stable", Stable);
        }

        if (Canary is not null)
        {
            yield return ("canary.version", Canary.Version);
        }

        if (Shadow is not null)
        {
            yield return ("shadow.version", Shadow.Version);
        }
    }

    /// <summary>Of the versions that there are, lowest first, the named one; else the highest that is not being tried.</summary>
    /// <returns>Null where there is none.</returns>
    public string? StableOf(IReadOnlyList<string> versions) =>
        Stable is not null && versions.Contains(Stable, StringComparer.Ordinal)
            ? Stable
            : versions.LastOrDefault(v => v != Canary?.Version && v != Shadow?.Version) ?? (versions.Count > 0 ? versions[^1] : null);
}

/// <param name="Weight">Share of the requests that the canary answers, 0 to 1.</param>
/// <param name="Sticky">Whether one API key always gets the same of the two.</param>
public sealed record CanaryRule(string Version, double Weight, bool Sticky = false);

/// <param name="Sample">Share of the requests that are mirrored, 0 to 1.</param>
/// <param name="Tolerance">How far a floating-point output may be from the answer's, absolutely, and still agree.</param>
public sealed record ShadowRule(string Version, double Sample = 1, double Tolerance = 0.001);

/// <summary>When the canary is rolled back automatically.</summary>
/// <param name="MaxErrorRate">Share of the canary's requests that may fail, 0 to 1.</param>
/// <param name="MaxLatencyRatio">The canary's mean compute time over the stable version's, 1 or more; null to ignore it.</param>
/// <param name="MinSample">Requests of the canary before anything is decided.</param>
/// <param name="Window">How far back is looked.</param>
/// <param name="MaxOutputDrift">
/// Population stability index of an output against the stable version's of the same time, 0.02 to 10; null to ignore it.
/// </param>
public sealed record RollbackRule(
    double MaxErrorRate, double? MaxLatencyRatio, int MinSample, TimeSpan Window, double? MaxOutputDrift = null);

/// <summary>Whether what a model is sent and what it answers are compared with what they were when its version was promoted.</summary>
public sealed record DriftSettings
{
    /// <summary>Default false.</summary>
    public bool Enabled { get; set; }

    /// <summary>Share of the requests that are looked at, 0.001 to 1.</summary>
    public double Sample { get; set; } = 1;

    /// <summary>Population stability index from which a tensor has drifted. 0.02 to 10.</summary>
    public double Threshold { get; set; } = 0.2;

    /// <summary>Kolmogorov-Smirnov distance from which it has. 0.02 to 1.</summary>
    public double KsThreshold { get; set; } = 0.2;
}

/// <summary>Whether what callers send and get is kept, for admins of their tenant.</summary>
public sealed record PayloadSettings
{
    public const int MaxRetentionDays = 365;

    public PayloadMode Mode { get; set; }

    /// <summary>Share of the requests where <see cref="Mode"/> is <see cref="PayloadMode.Sampled"/>, 0.0001 to 1.</summary>
    public double Sample { get; set; } = 0.01;

    /// <summary>Names of up to 64 tensors whose values and shapes are left out.</summary>
    public string[] Redact { get; set; } = [];

    /// <summary>1 to 365; the tenant's own <c>retention_days</c> where they are fewer.</summary>
    public int RetentionDays { get; set; } = 7;
}

public enum PayloadMode
{
    /// <summary>Nothing is kept.</summary>
    Off,

    Sampled,

    /// <summary>Every request that is recorded.</summary>
    Full,
}
