namespace InferenceTemplate.Data.Catalog;

/// <summary>What is known of whether requests of different callers may share a run of a version.</summary>
/// <param name="Independent">In every run that was tried, rows came out the same whatever lay beside them.</param>
/// <param name="Reason">Why that was not proven; null where it was.</param>
/// <param name="Contradicted">A run that served callers showed otherwise: no setting brings them together again.</param>
public sealed record BatchProof(bool Independent, string? Reason = null, bool Contradicted = false);
