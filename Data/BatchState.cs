using System.Text.Json;

namespace InferenceTemplate.Data;

/// <summary>Where a batch stands. The last three are terminal.</summary>
public enum BatchState
{
    /// <summary>Its lines are still coming in. Nobody sees it yet; if they stop coming it goes.</summary>
    Receiving,

    Queued,
    Running,

    /// <summary>Every line has ended, well or badly.</summary>
    Completed,

    Cancelled,

    /// <summary>Its time ran out before every line had ended.</summary>
    Expired,
}

public static class BatchStates
{
    /// <summary>The states that callers see.</summary>
    public static IReadOnlyList<BatchState> Visible { get; } = [.. Enum.GetValues<BatchState>().Except([BatchState.Receiving])];

    public static bool IsTerminal(this BatchState state) => state is BatchState.Completed or BatchState.Cancelled or BatchState.Expired;

    /// <summary>The name in the database and in the API.</summary>
    public static string Name(this BatchState state) => JsonNamingPolicy.SnakeCaseLower.ConvertName(state.ToString());

    public static bool TryParse(string? name, out BatchState state)
    {
        foreach (var candidate in Enum.GetValues<BatchState>())
        {
            if (string.Equals(candidate.Name(), name, StringComparison.Ordinal))
            {
                state = candidate;
                return true;
            }
        }

        state = default;
        return false;
    }

    public static BatchState Parse(string name) => TryParse(name, out var state)
        ? state
        : throw new InvalidDataException($"'{name}' is not the state of a batch.");
}
