using System.Globalization;

namespace InferenceTemplate.Api.Audit;

/// <summary>Makes one entry of the equal failures of a moment, so that whoever guesses keys does not fill the disk.</summary>
internal static class AuditRepeats
{
    public const string Count = "count";

    /// <summary>In place of equal events of strangers the first of them, with their number in its details.</summary>
    public static List<AuditEvent> PutTogether(List<AuditEvent> events)
    {
        if (!events.Exists(e => AuditActions.IsUnauthenticated(e.Action)))
        {
            return events;
        }

        return [.. events
            .GroupBy(e => AuditActions.IsUnauthenticated(e.Action) ? Likeness(e) : e.Id.ToString(), StringComparer.Ordinal)
            .Select(group => group.Count() == 1 ? group.First() : WithCount(group.First(), group.Count()))];
    }

    private static AuditEvent WithCount(AuditEvent first, int count) => first with
    {
        Details = new Dictionary<string, string>(first.Details ?? new Dictionary<string, string>(), StringComparer.Ordinal)
        {
            [Count] = count.ToString(CultureInfo.InvariantCulture),
        },
    };

    private static string Likeness(AuditEvent e) => string.Join('\n', [
        e.Action, e.Actor, e.TenantId, e.Subject,
        .. (e.Details ?? new Dictionary<string, string>()).SelectMany(d => new[] { d.Key, d.Value })]);
}
