namespace InferenceTemplate.Api.Audit;

/// <summary>Where the chain ends. Kept elsewhere, it proves later that nothing before it was changed or taken away.</summary>
/// <param name="Sequence">Of the last entry; 0 while there is none.</param>
/// <param name="Hash">Its hash, lower-case hex; zeros while there is none.</param>
public sealed record AuditHead(long Sequence, string Hash)
{
    public static AuditHead Of(long sequence, byte[] hash) => new(sequence, Convert.ToHexStringLower(hash));

    /// <summary>Whether a text has the form of a hash.</summary>
    public static bool IsHash(string text) => text.Length == AuditHashes.Size * 2 && text.All(char.IsAsciiHexDigit);

    public override string ToString() => $"{Sequence}:{Hash}";
}
