using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Api;

/// <summary>
/// Times that callers give: ISO 8601 and nothing else. What .NET reads besides, such as 11/12/2026 or 12:00, means one day here and another
/// there; without an offset it is UTC, wherever the server is.
/// </summary>
internal static class ApiTime
{
    public const string Expected = "a time such as 2026-11-01 or 2026-11-01T12:00:00Z";

    private const int TickDigits = 7;

    // Behind the first three, K takes an offset, Z or nothing.
    private static readonly string[] s_forms =
    [
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd",
    ];

    /// <param name="otherwise">Where none is given.</param>
    /// <param name="moment">In UTC.</param>
    public static bool TryRead(string? text, DateTimeOffset otherwise, out DateTimeOffset moment)
    {
        moment = otherwise;
        return text is null || TryRead(text, out moment);
    }

    public static bool TryRead(string text, out DateTimeOffset moment) => DateTimeOffset.TryParseExact(
        InTicks(text), s_forms, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
        out moment);

    // Go and Java write nanoseconds; what is below a tick is left out.
    private static string InTicks(string text)
    {
        var first = text.IndexOf('.', StringComparison.Ordinal) + 1;
        var end = first;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
        {
            end++;
        }

        return first > 0 && end - first > TickDigits ? text.Remove(first + TickDigits, end - first - TickDigits) : text;
    }
}

/// <summary>Reads a time by <see cref="ApiTime"/>: without it, one that has no offset would be of the server's time zone.</summary>
internal sealed class ApiTimeConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && ApiTime.TryRead(reader.GetString()!, out var moment)
            ? moment
            : throw new JsonException($"{ApiTime.Expected} expected");

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value);
}
