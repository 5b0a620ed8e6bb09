using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Queue;

public enum ReplyOutcome : byte
{
    Completed = 0,

    /// <summary>The model failed on this input.</summary>
    Failed = 1,

    /// <summary>The deadline passed before the run began or, where it has a compute time, during it.</summary>
    Expired = 2,

    /// <summary>No worker could run it, through no fault of its input that the model would name.</summary>
    Unavailable = 3,

    /// <summary>It was run, and its outputs are more than <see cref="ResponseOptions.ResponseBytes"/>.</summary>
    TooLarge = 4,

    /// <summary>A worker refused its input before the model was run: the caller's mistake, which says nothing of the version.</summary>
    Refused = 5,

    /// <summary>It waited for a model that no worker could load, and was not tried.</summary>
    NotLoaded = 6,
}

/// <summary>A worker's answer to one <see cref="InferenceRequest"/>.</summary>
/// <param name="Error">What went wrong, for the caller; null when completed.</param>
/// <param name="QueueTime">From enqueueing to the start of the batch's run.</param>
/// <param name="ComputeTime">How long the run of the whole batch took.</param>
/// <param name="BatchSize">Rows in the batch that this request ran in, its own included.</param>
public sealed record InferenceReply(
    Guid Id,
    ReplyOutcome Outcome,
    string? Error,
    TimeSpan QueueTime,
    TimeSpan ComputeTime,
    int BatchSize,
    string Worker,
    Tensor[] Outputs)
{
    /// <summary>Where in the batch this request's rows begin: by it, the shares of a batch's cost add up to the whole.</summary>
    public int FirstRow { get; init; }
}
