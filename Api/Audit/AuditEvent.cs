namespace InferenceTemplate.Api.Audit;

/// <summary>Something that somebody did, or tried.</summary>
/// <param name="Action">A dotted name, subject first and what was done to it last: <c>key.created</c>, <c>login.failed</c>.</param>
/// <param name="Actor">The name of a key or token, <c>admin command</c>, or <c>anonymous</c>.</param>
/// <param name="TenantId">Whose business it is; null for the platform's.</param>
/// <param name="Subject">What it was done to: a key's prefix, a tenant, a model or model/version. Kept for good, so never a person's
/// name.</param>
/// <param name="Details">Further facts, never a secret or a payload. They are forgotten with their tenant.</param>
public sealed record AuditEvent(
    string Action, string Actor, string? TenantId, string? Subject, IReadOnlyDictionary<string, string>? Details = null)
{
    public Guid Id { get; init; } = Guid.CreateVersion7();

    /// <summary>When it happened; set where it is recorded, unless it is known already.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>
    /// The tenant whose key or token the actor is. Where it is not said, it is taken for whoever has that name in <see cref="TenantId"/>,
    /// or in the only tenant that has one.
    /// </summary>
    public string? ActorTenantId { get; init; }
}
