using System.Text.Json;

namespace InferenceTemplate.Core.Jobs;

/// <summary>
/// Where a job stands. The last four are terminal: a job stays in the one that it enters, except that its tenant may retry one that did
/// not succeed, and an operator one that was dead-lettered.
/// </summary>
public enum JobState
{
    Queued,
    Running,
    Succeeded,

    /// <summary>The model failed on it, or its deadline passed before it could run.</summary>
    Failed,

    Cancelled,

    /// <summary>Every attempt ended with its worker: nobody runs it again.</summary>
    DeadLettered,
}

public static class JobStates
{
    public static bool IsTerminal(this JobState state) => state is not (JobState.Queued or JobState.Running);

    /// <summary>The name in the database and in the API, such as <c>dead_lettered</c>.</summary>
    public static string Name(this JobState state) => JsonNamingPolicy.SnakeCaseLower.ConvertName(state.ToString());

    public static bool TryParse(string? name, out JobState state)
    {
        foreach (var candidate in Enum.GetValues<JobState>())
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

    public static JobState Parse(string name) => TryParse(name, out var state)
        ? state
        : throw new InvalidDataException($"'{name}' is not the state of a job.");
}
