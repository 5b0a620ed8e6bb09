namespace InferenceTemplate.Inference.Audit;

/// <summary>Something that somebody did, or tried.</summary>
/// <param name="Action">A dotted name, subject first and what was done to it last: <c>key.created</c>, <c>login.failed</c>.</param>
/// <param name="Actor">The name of a key or token, <c>admin command</c>, or <c>anonymous</c>.</param>
/// <param name="TenantId">Whose business it is; null for the platform's.</param>
/// <param name="Subject">What it was done to: a key's prefix, a tenant, a model or model/version.</param>
/// <param name="Details">Further facts, never a secret or a payload.</param>
public sealed record AuditEvent(
    string Action, string Actor, string? TenantId, string? Subject, IReadOnlyDictionary<string, string>? Details = null);
