namespace InferenceTemplate.Core.Statistics;

/// <summary>
/// Counts of one model version since they began, after Triton's statistics extension.
/// </summary>
public sealed class VersionStatistics
{
    /// <summary>When a run or answer was last counted, in Unix milliseconds; 0 where none was.</summary>
    public long LastInference { get; set; }

    /// <summary>Rows that were run.</summary>
    public long Inferences { get; set; }

    /// <summary>Runs.</summary>
    public long Executions { get; set; }

    /// <summary>Requests by <see cref="RequestTime"/>.</summary>
    public CountedTime[] Times { get; } = new CountedTime[Enum.GetValues<RequestTime>().Length];

    /// <summary>Runs by their rows.</summary>
    public SortedDictionary<int, BatchTimes> Batches { get; } = [];

    public CountedTime this[RequestTime time] => Times[(int)time];

    internal void Add(RequestTime time, TimeSpan each, long count = 1) => Times[(int)time].Add(count, each);

    internal BatchTimes Batch(int rows)
    {
        if (!Batches.TryGetValue(rows, out var batch))
        {
            Batches[rows] = batch = new BatchTimes();
        }

        return batch;
    }
}

/// <summary>What is counted of requests.</summary>
public enum RequestTime
{
    /// <summary>Answered with outputs, cached ones too; from arrival to answer.</summary>
    Success,

    /// <summary>Not answered with outputs, though it fitted the model.</summary>
    Fail,

    /// <summary>From being queued to the start of the run.</summary>
    Queue,

    /// <summary>Bringing the inputs of the run that it was in into the runtime's form.</summary>
    ComputeInput,

    /// <summary>The run itself, copies to and from a device included.</summary>
    ComputeInfer,

    /// <summary>Cutting the run's outputs into answers.</summary>
    ComputeOutput,

    /// <summary>Answered from the response cache; from arrival to answer.</summary>
    CacheHit,

    /// <summary>Looked for in the response cache in vain; from arrival to answer, less what it waited and ran.</summary>
    CacheMiss,
}

/// <summary>Runs of one size.</summary>
public sealed class BatchTimes
{
    public long Count { get; set; }

    public long InputNanoseconds { get; set; }

    public long InferNanoseconds { get; set; }

    public long OutputNanoseconds { get; set; }
}

/// <summary>One run that completed.</summary>
/// <param name="Requests">That shared it.</param>
/// <param name="Rows">Of all of them.</param>
public readonly record struct RunTimes(
    string Model, string Version, int Requests, int Rows, TimeSpan Input, TimeSpan Infer, TimeSpan Output);
