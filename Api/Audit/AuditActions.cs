namespace InferenceTemplate.Api.Audit;

/// <summary>Actions that mean something to the chain itself, and those that this project's own tables feed into it.</summary>
public static class AuditActions
{
    private static readonly string[] Unbounded = ["login.", "access.", "token."];

    /// <summary>A tenant's data were erased: names and details of entries before this one may be gone.</summary>
    public const string TenantErased = "tenant.erased";

    /// <summary>Entries up to the subject, <c>sequence:hash</c>, were pruned.</summary>
    public const string Pruned = "audit.pruned";

    public const string Exported = "tenant.exported";

    public const string RetentionRun = "retention.run";

    public const string PayloadRead = "payload.read";

    public const string FeatureChanged = "feature.changed";

    public const string FeatureRemoved = "feature.removed";

    public const string DeadLetterRequeued = "dead_letter.requeued";

    public const string DeadLetterPurged = "dead_letter.purged";

    public const string JobRetried = "job.retried";

    public const string WorkerDrained = "worker.drained";

    public const string WorkerUndrained = "worker.undrained";

    /// <summary>What callers can cause without end (logins, refusals, tokens): the only entries that may be shed.</summary>
    public static bool IsUnauthenticated(string action) => Unbounded.Any(prefix => action.StartsWith(prefix, StringComparison.Ordinal));
}
