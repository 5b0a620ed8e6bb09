using InferenceTemplate.Core.Catalog;

namespace InferenceTemplate.Api.Models;

/// <summary>What a model's settings may be. Fields are named as JSON names them.</summary>
public static class SettingsRules
{
    private const int MaxPreferredSizes = 16;
    private const int MaxBatch = 4096;
    private const int MaxRedacted = 64;
    private const int MaxTensorName = 256;
    private const decimal MaxPrice = 1_000_000;

    /// <summary>Everything that is wrong, by field; empty where nothing is.</summary>
    public static IReadOnlyList<(string Field, string Message)> Validate(string model, ModelSettings settings)
    {
        // The serialiser takes null for any of these.
        if (MissingPart(settings) is { } missing)
        {
            return [(missing, "must not be null")];
        }

        List<(string Field, string Message)> wrong =
        [
            .. Batching(settings.Batching),
            .. Range("instances", settings.Instances ?? 1, 1, 16),
            .. Fallback(model, settings.Fallback),
            .. Traffic(settings.Traffic),
            .. Range("drift.sample", settings.Drift.Sample, 0.001, 1),
            .. Range("drift.threshold", settings.Drift.Threshold, 0.02, 10),
            .. Range("drift.ks_threshold", settings.Drift.KsThreshold, 0.02, 1),
            .. Payload(settings.Payload),
        ];
        if (settings.Cache is { } cache)
        {
            wrong.AddRange(Range("cache.time_to_live", cache.TimeToLive, TimeSpan.FromSeconds(1), TimeSpan.FromHours(24)));
            wrong.AddRange(Range("cache.max_bytes", cache.MaxBytes, 1L << 10, 1L << 30));
        }

        wrong.AddRange(Range("price_per_device_hour", settings.PricePerDeviceHour ?? 0, 0m, MaxPrice));
        wrong.AddRange(Range("price_per_million_prompt_tokens", settings.PricePerMillionPromptTokens ?? 0, 0m, MaxPrice));
        wrong.AddRange(Range("price_per_million_completion_tokens", settings.PricePerMillionCompletionTokens ?? 0, 0m, MaxPrice));

        return wrong;
    }

    private static string? MissingPart(ModelSettings settings) => settings switch
    {
        { Batching: null } => "batching",
        { Traffic: null } => "traffic",
        { Drift: null } => "drift",
        { Payload: null } => "payload",
        { Payload.Redact: null } => "payload.redact",
        { Batching.PreferredSizes: null } => "batching.preferred_sizes",
        { Batching.Versions: null } => "batching.versions",
        _ => null,
    };

    private static IEnumerable<(string Field, string Message)> Batching(BatchingSettings batching)
    {
        var largest = batching.MaxSize is >= 1 and <= MaxBatch and var size ? size : MaxBatch;
        var sizes = batching.PreferredSizes;
        if (sizes.Length > MaxPreferredSizes
            || sizes.Any(s => s < 1 || s > largest) || sizes.Zip(sizes.Skip(1)).Any(p => p.First >= p.Second))
        {
            yield return ("batching.preferred_sizes", $"must be up to {MaxPreferredSizes} sizes from 1 to {largest}, smallest first");
        }

        foreach (var wrong in Range("batching.max_size", batching.MaxSize ?? 1, 1, MaxBatch)
            .Concat(Range("batching.max_delay", batching.MaxDelay ?? TimeSpan.Zero, TimeSpan.Zero, TimeSpan.FromSeconds(1))))
        {
            yield return wrong;
        }

        if (!Enum.IsDefined(batching.Mode))
        {
            yield return ("batching.mode", "must be auto, on or off");
        }

        if (batching.Versions.Any(v => !ModelNames.IsVersion(v.Key) || !Enum.IsDefined(v.Value)))
        {
            yield return ("batching.versions", "must be auto, on or off by version");
        }

        if (!Enum.IsDefined(batching.Ragged))
        {
            yield return ("batching.ragged", "must be separate or pad");
        }
    }

    private static IEnumerable<(string Field, string Message)> Payload(PayloadSettings payload)
    {
        foreach (var wrong in Range("payload.sample", payload.Sample, 0.0001, 1)
            .Concat(Range("payload.retention_days", payload.RetentionDays, 1, PayloadSettings.MaxRetentionDays)))
        {
            yield return wrong;
        }

        if (!Enum.IsDefined(payload.Mode))
        {
            yield return ("payload.mode", "must be off, sampled or full");
        }

        if (payload.Redact.Length > MaxRedacted || payload.Redact.Any(
            name => name is not { Length: >= 1 and <= MaxTensorName } || name.Contains('\0', StringComparison.Ordinal)))
        {
            yield return ("payload.redact",
                $"must be up to {MaxRedacted} names of tensors of 1 to {MaxTensorName} characters, without U+0000");
        }
    }

    private static IEnumerable<(string Field, string Message)> Fallback(string model, FallbackModel? fallback)
    {
        if (fallback is null)
        {
            yield break;
        }

        if (fallback.Model is null || !ModelNames.IsModel(fallback.Model))
        {
            yield return ("fallback.model", $"must be a model's name: {ModelNames.ModelRule}");
        }
        else if (fallback.Model == model && fallback.Version is null)
        {
            yield return ("fallback.version", "must be named where a model falls back to itself");
        }

        if (fallback.Version is not null && !ModelNames.IsVersion(fallback.Version) && !ModelNames.IsAlias(fallback.Version))
        {
            yield return ("fallback.version", "must be a version or an alias");
        }
    }

    private static IEnumerable<(string Field, string Message)> Traffic(TrafficPolicy traffic)
    {
        foreach (var (field, version) in traffic.Versions())
        {
            if (version is null || !ModelNames.IsVersion(version))
            {
                yield return ($"traffic.{field}", $"must be {ModelNames.VersionRule}");
            }
        }

        var rollback = traffic.Rollback;
        foreach (var wrong in Range("traffic.canary.weight", traffic.Canary?.Weight ?? 0, 0, 1)
            .Concat(Range("traffic.shadow.sample", traffic.Shadow?.Sample ?? 0, 0, 1))
            .Concat(Range("traffic.rollback.max_error_rate", rollback?.MaxErrorRate ?? 0, 0, 1))
            .Concat(Range("traffic.rollback.max_latency_ratio", rollback?.MaxLatencyRatio ?? 1, 1, 1000))
            .Concat(Range("traffic.rollback.max_output_drift", rollback?.MaxOutputDrift ?? 1, 0.02, 10))
            .Concat(Range("traffic.rollback.min_sample", rollback?.MinSample ?? 1, 1, 1_000_000))
            .Concat(Range(
                "traffic.rollback.window", rollback?.Window ?? TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), TimeSpan.FromHours(24))))
        {
            yield return wrong;
        }
    }

    private static IEnumerable<(string Field, string Message)> Range<T>(string field, T value, T least, T most)
        where T : IComparable<T>, IFormattable
    {
        // NaN compares as less than everything.
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
        {
            yield return (field, FormattableString.Invariant($"must be from {least} to {most}; {value} is given"));
        }
    }
}
