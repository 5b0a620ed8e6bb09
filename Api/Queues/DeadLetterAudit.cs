using System.Globalization;
using System.Security.Claims;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Queues;

/// <summary>What is recorded of those who put dead letters back or throw them away.</summary>
internal static class DeadLetterAudit
{
    /// <summary>Who is recorded for a command in a shell.</summary>
    public const string Shell = "admin command";

    /// <param name="caller">Null for a command in a shell.</param>
    /// <param name="id">Null for all of the queue.</param>
    public static AuditEvent Requeued(ClaimsPrincipal? caller, QueueName queue, long count, string? id = null) =>
        Event(AuditActions.DeadLetterRequeued, caller, queue, count, id);

    public static AuditEvent Purged(ClaimsPrincipal? caller, QueueName queue, long count, string? id = null) =>
        Event(AuditActions.DeadLetterPurged, caller, queue, count, id);

    private static AuditEvent Event(string action, ClaimsPrincipal? caller, QueueName queue, long count, string? id)
    {
        var details = new Dictionary<string, string>(StringComparer.Ordinal) { ["count"] = count.ToString(CultureInfo.InvariantCulture) };
        if (id is not null)
        {
            details["id"] = id;
        }

        return new AuditEvent(action, caller?.Identity?.Name ?? Shell, TenantId: null, queue.ToString(), details)
        {
            ActorTenantId = caller?.TenantId(),
        };
    }
}
