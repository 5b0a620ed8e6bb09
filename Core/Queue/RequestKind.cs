namespace InferenceTemplate.Core.Queue;

/// <summary>Who waits for the answer, and so what becomes of it.</summary>
public enum RequestKind : byte
{
    /// <summary>A caller holds a connection open; the answer goes to its Api replica by pub/sub.</summary>
    Call = 0,

    /// <summary>
    /// A durable job: its row in Postgres is the truth, and the worker writes the outcome there before it acknowledges the entry.
    /// </summary>
    Job = 1,

    /// <summary>A mirrored call: the answer goes to the Api replica for comparison and never to a caller.</summary>
    Shadow = 2,
}
