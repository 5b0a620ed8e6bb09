using System.Globalization;
using System.Text.RegularExpressions;

namespace InferenceTemplate.Worker.Execution;

/// <summary>What a run asked for at once when there was no memory for it: by its size, the input is to blame or the machine.</summary>
internal sealed partial record MemoryAsked(decimal Bytes, long Total)
{
    // A machine that has less than this left is short of memory; one that has more is not.
    private const int LargePart = 16;

    /// <summary>No worker like this one will ever have it.</summary>
    public bool IsMoreThanThereIs => Bytes > Total;

    /// <summary>So much that its absence says nothing of the machine.</summary>
    public bool IsLarge => Bytes > Total / LargePart;

    /// <summary>Null where the runtime did not say how much it asked for.</summary>
    public static MemoryAsked? Of(Exception exception) =>
        Asked().Match(exception.Message) is { Success: true } match
            && decimal.TryParse(match.Groups["bytes"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            ? new MemoryAsked(bytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)
            : null;

    // As the arena words it, without a limit of its own and with one.
    [GeneratedRegex(
        "(?:requested buffer of size|requested bytes of) (?<bytes>[0-9]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Asked();
}
