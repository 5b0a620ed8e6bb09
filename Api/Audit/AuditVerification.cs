namespace InferenceTemplate.Api.Audit;

/// <summary>Where a chain stops being what was recorded.</summary>
public sealed record AuditFault(long Sequence, string Reason);

/// <param name="Entries">Entries that were read and found right.</param>
/// <param name="Head">The last of them.</param>
/// <param name="FirstInvalid">Null where all is right.</param>
/// <param name="PrunedThrough">Up to where entries were pruned, as the chain records it; null for none.</param>
/// <param name="Erased">Names of actors and details that are gone with their tenant.</param>
/// <param name="KeptHead">Of the head that was given: <c>matched</c>, or <c>pruned</c> where that part is gone; null without one, and where
/// it does not match.</param>
public sealed record AuditVerification(
    bool Valid, long Entries, AuditHead Head, AuditFault? FirstInvalid, long? PrunedThrough, long Erased, string? KeptHead);
