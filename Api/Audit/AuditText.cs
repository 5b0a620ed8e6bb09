using System.Text;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Audit;

/// <summary>Brings what is recorded into a form that Postgres keeps as it is: bounded, valid UTF-8, without U+0000.</summary>
internal static class AuditText
{
    private const int MaxFacts = 32;
    private const int MaxFactLength = 1_000;

    public static AuditEvent Fit(AuditEvent happened, DateTimeOffset now)
    {
        var at = happened.At ?? now;
        return happened with
        {
            Action = Fit(happened.Action, AuditSchema.ActionLength),
            Actor = Fit(happened.Actor, AuditSchema.NameLength),
            TenantId = FitOrNull(happened.TenantId, AuditSchema.TenantLength),
            ActorTenantId = FitOrNull(happened.ActorTenantId, AuditSchema.TenantLength),
            Subject = FitOrNull(happened.Subject, AuditSchema.SubjectLength),
            Details = Fit(happened.Details),

            // Postgres keeps microseconds; what is hashed has to be what is read again.
            At = new DateTimeOffset(at.UtcTicks / TimeSpan.TicksPerMicrosecond * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero),
        };
    }

    private static Dictionary<string, string>? Fit(IReadOnlyDictionary<string, string>? facts)
    {
        if (facts is null or { Count: 0 })
        {
            return null;
        }

        var fitting = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in facts.Take(MaxFacts))
        {
            fitting[Fit(key, AuditSchema.ActionLength)] = Fit(value ?? "", MaxFactLength);
        }

        return fitting;
    }

    private static string? FitOrNull(string? text, int length) => text is null ? null : Fit(text, length);

    /// <summary>The first characters of a text.</summary>
    public static string Fit(string text, int length)
    {
        var cut = text.Length <= length ? text : text[..length];
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(cut)).Replace('\0', '\uFFFD');
    }
}
