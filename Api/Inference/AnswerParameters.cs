using System.Globalization;
using System.Text.Json;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Inference;

/// <summary>What an answer says of itself: in its <c>parameters</c>, and in headers.</summary>
/// <param name="Compute">Time of the run that it shared; zero where none took place.</param>
/// <param name="CacheHit">Null where the model's answers are not cached.</param>
internal sealed record AnswerParameters(
    TimeSpan Queue, TimeSpan Compute, int BatchSize, decimal Cost, string Currency, bool? CacheHit)
{
    public const string FallbackHeader = "Inference-Fallback";

    /// <summary>
    /// The version that answered in place of one that could not be loaded, as <c>model/version</c>; null where none had to.
    /// </summary>
    public string? Fallback { get; init; }

    /// <summary>The priority that the request got where it asked for a higher one than its tenant may have; else null.</summary>
    public Priority? LoweredTo { get; init; }

    /// <summary>Whether NaN or infinities, which JSON has no numbers for, stand as null in its data.</summary>
    public bool NonFinite { get; init; }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject("parameters"u8);
        json.WriteNumber("queue_us"u8, (long)Queue.TotalMicroseconds);
        json.WriteNumber("compute_us"u8, (long)Compute.TotalMicroseconds);
        json.WriteNumber("batch_size"u8, BatchSize);
        json.WriteNumber("cost"u8, Shortest(Cost));
        json.WriteString("currency"u8, Currency);
        if (CacheHit is { } hit)
        {
            json.WriteBoolean("cache_hit"u8, hit);
        }

        if (Fallback is not null)
        {
            json.WriteString("fallback"u8, Fallback);
        }

        if (LoweredTo is { } priority)
        {
            json.WriteString("priority"u8, priority.Name());
        }

        if (NonFinite)
        {
            json.WriteBoolean("nonfinite"u8, true);
        }

        json.WriteEndObject();
    }

    public void SetHeaders(IHeaderDictionary headers)
    {
        headers["Inference-Cost"] = string.Create(CultureInfo.InvariantCulture, $"{Shortest(Cost)} {Currency}");
        headers["Server-Timing"] = string.Create(
            CultureInfo.InvariantCulture, $"queue;dur={Queue.TotalMilliseconds:0.###}, compute;dur={Compute.TotalMilliseconds:0.###}");
        if (CacheHit is { } hit)
        {
            headers["Inference-Cache"] = hit ? "hit" : "miss";
        }

        if (Fallback is not null)
        {
            headers[FallbackHeader] = Fallback;
        }
    }

    // Dividing by a one of 28 decimals takes the trailing zeros away.
    private static decimal Shortest(decimal cost) => cost / 1.0000000000000000000000000000m;
}
