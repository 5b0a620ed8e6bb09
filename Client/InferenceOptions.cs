namespace InferenceTemplate.Client;

/// <summary>How urgent a request is. Low work is slowed, never starved.</summary>
public enum InferencePriority
{
    /// <summary>What the platform chooses: normal for calls, low for jobs.</summary>
    Default = 0,

    /// <summary>Before all others.</summary>
    High = 1,

    /// <summary>After high ones.</summary>
    Normal = 2,

    /// <summary>After normal ones.</summary>
    Low = 3,
}

/// <summary>What one call or job asks for besides its inputs.</summary>
public sealed record InferenceOptions
{
    /// <summary>A version's number or alias. Null: the model's traffic policy chooses.</summary>
    public string? Version { get; init; }

    /// <summary>Names of the outputs to return. Empty: all.</summary>
    public IReadOnlyList<string> Outputs { get; init; } = [];

    /// <summary>
    /// For a call, the time until its response is an error; for a job, the time within which it must start. Null: the platform's
    /// default, of calls 30 s, of jobs 1 h.
    /// </summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How urgent it is; the tenant may have a ceiling.</summary>
    public InferencePriority Priority { get; init; }

    /// <summary>Echoed in the result; up to 256 characters.</summary>
    public string? RequestId { get; init; }

    /// <summary>
    /// The same request with the same key, 1 to 255 printable ASCII characters, gets the same response for 24 h. A job has one of its own
    /// where this is null, so that repeating its submission adds no second job.
    /// </summary>
    public string? IdempotencyKey { get; init; }

    /// <exception cref="ArgumentException">They can't be sent.</exception>
    internal static void Check(InferenceOptions options)
    {
        if (options.Timeout < TimeSpan.FromMicroseconds(1))
        {
            throw new ArgumentOutOfRangeException(nameof(options), options.Timeout, "Timeout: a microsecond or more expected");
        }

        if (options.IdempotencyKey is { } given && (given.Length is < 1 or > 255 || given.AsSpan().ContainsAnyExceptInRange(' ', '~')))
        {
            throw new ArgumentException("IdempotencyKey: 1 to 255 printable ASCII characters expected", nameof(options));
        }
    }
}
