using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Client;

/// <summary>Where a batch job is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BatchState>))]
public enum BatchState
{
    /// <summary>It waits.</summary>
    Queued,

    /// <summary>Its lines run.</summary>
    Running,

    /// <summary>Every line has ended, well or badly.</summary>
    Completed,

    /// <summary>It was cancelled.</summary>
    Cancelled,

    /// <summary>Its time was up.</summary>
    Expired,
}

/// <summary>A batch job at one moment.</summary>
/// <param name="Id">Its id.</param>
/// <param name="State">Where it is.</param>
/// <param name="Counts">How many lines have ended.</param>
/// <param name="CreatedAt">When it was accepted.</param>
/// <param name="FinishedAt">When it ended; null before.</param>
/// <param name="ExpiresAt">Until when its output is kept; null before its end.</param>
public sealed record InferenceBatch(
    [property: JsonRequired] Guid Id, [property: JsonRequired] BatchState State, [property: JsonRequired] BatchCounts Counts,
    DateTimeOffset CreatedAt, DateTimeOffset? FinishedAt, DateTimeOffset? ExpiresAt)
{
    /// <summary>Whether its output is there.</summary>
    [JsonIgnore]
    public bool HasEnded => State is not (BatchState.Queued or BatchState.Running);
}

/// <summary>Lines of a batch job.</summary>
/// <param name="Total">All of them.</param>
/// <param name="Completed">Those that ended well.</param>
/// <param name="Failed">Those that ended badly.</param>
public sealed record BatchCounts(int Total, int Completed, int Failed);

/// <summary>What came of a line: a response or an error.</summary>
/// <param name="Line">Its number.</param>
/// <param name="CustomId">The id that it had.</param>
/// <param name="Response">Null where it failed.</param>
/// <param name="Error">Null where it did not fail.</param>
public sealed record BatchLine(int Line, string? CustomId, BatchLineResponse? Response, BatchLineError? Error);

/// <summary>The response to a line.</summary>
/// <param name="StatusCode">200.</param>
/// <param name="Body">The protocol's response, with its data as JSON.</param>
public sealed record BatchLineResponse(int StatusCode, JsonElement Body);

/// <summary>Why a line failed.</summary>
/// <param name="StatusCode">What the call would have been answered.</param>
/// <param name="Message">In the platform's words.</param>
public sealed record BatchLineError(int StatusCode, [property: JsonRequired] string Message);
