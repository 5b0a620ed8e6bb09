using System.Globalization;
using InferenceTemplate.Data;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Api.Audit;

/// <param name="Actor">Null where it was forgotten with its tenant.</param>
/// <param name="Details">Null where there are none, or they were forgotten with their tenant.</param>
internal sealed record AuditEntryView(
    long Sequence,
    DateTimeOffset At,
    string Action,
    Guid ActorId,
    string? Actor,
    string? Tenant,
    string? Subject,
    IReadOnlyDictionary<string, string>? Details,
    string Hash);

/// <param name="NextCursor">The <c>cursor</c> of the next page; null on the last.</param>
internal sealed record AuditPage(AuditEntryView[] Entries, string? NextCursor);

/// <summary>What is asked for. An action may be the beginning of one; a subject has what is below it: a model its versions.</summary>
internal sealed record AuditQuery(
    string? Action, string? Actor, string? Tenant, string? Subject, string? From, string? To, string? Cursor, int? Limit);

/// <summary><c>GET /v1/audit</c>: newest first.</summary>
internal static class AuditList
{
    private const int DefaultPage = 100;
    private const int LargestPage = 1_000;

    public static async Task<IResult> GetAsync(
        [AsParameters] AuditQuery query, IDbContextFactory<InferenceDbContext> contexts, CancellationToken cancellationToken)
    {
        if (query.Limit is < 1 or > LargestPage)
        {
            return Invalid("limit", $"{query.Limit} given, 1 to {LargestPage} allowed");
        }

        var before = long.MaxValue;
        if (query.Cursor is { } cursor
            && (!long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out before) || before < 1))
        {
            return Invalid("cursor", $"'{cursor}' is not the next_cursor of a page");
        }

        var texts = new[] { ("action", query.Action), ("actor", query.Actor), ("tenant", query.Tenant), ("subject", query.Subject) };
        if (texts.FirstOrDefault(t => t.Item2?.Contains('\0', StringComparison.Ordinal) == true) is { Item1: { } name })
        {
            return Invalid(name, "can't contain the character U+0000");
        }

        if (!ApiTime.TryRead(query.From, DateTimeOffset.MinValue, out var from))
        {
            return Invalid("from", $"'{query.From}' given, {ApiTime.Expected} expected");
        }

        if (!ApiTime.TryRead(query.To, DateTimeOffset.MaxValue, out var to))
        {
            return Invalid("to", $"'{query.To}' given, {ApiTime.Expected} expected");
        }

        var limit = query.Limit ?? DefaultPage;
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await Entries(database, query, (from, to), before).Take(limit).ToListAsync(cancellationToken);
        return TypedResults.Json(
            new AuditPage(
                [.. found.Select(View)], found.Count == limit ? found[^1].Entry.Sequence.ToString(CultureInfo.InvariantCulture) : null),
            AuditJson.Default.AuditPage);
    }

    private static IQueryable<Found> Entries(
        InferenceDbContext database, AuditQuery query, (DateTimeOffset From, DateTimeOffset To) time, long before)
    {
        var entries = database.AuditEntries.AsNoTracking().Where(e => e.Sequence < before);
        entries = query.Action is { } action ? entries.Where(e => e.Action.StartsWith(action)) : entries;
        entries = query.Tenant is { } tenant ? entries.Where(e => e.TenantId == tenant) : entries;
        entries = query.Subject is { } subject ? entries.Where(e => e.Subject == subject || e.Subject!.StartsWith(subject + "/")) : entries;
        entries = query.From is not null ? entries.Where(e => e.At >= time.From) : entries;
        entries = query.To is not null ? entries.Where(e => e.At < time.To) : entries;

        // By the name, or by the id that stays when the name is gone.
        var id = Guid.TryParse(query.Actor, out var parsed) ? parsed : Guid.Empty;
        entries = query.Actor is { } actor
            ? entries.Where(e => e.ActorId == id || database.AuditActors.Any(a => a.Id == e.ActorId && a.Name == actor))
            : entries;
        return from entry in entries.OrderByDescending(e => e.Sequence)
               select new Found(
                   entry,
                   database.AuditActors.Where(a => a.Id == entry.ActorId).Select(a => a.Name).FirstOrDefault(),
                   database.AuditDetails.Where(d => d.Sequence == entry.Sequence).FirstOrDefault());
    }

    private static AuditEntryView View(Found found) => new(
        found.Entry.Sequence,
        found.Entry.At,
        found.Entry.Action,
        found.Entry.ActorId,
        found.Actor,
        found.Entry.TenantId,
        found.Entry.Subject,
        found.Details?.Facts,
        Convert.ToHexStringLower(found.Entry.Hash));

    private static ValidationProblem Invalid(string field, string message) =>
        TypedResults.ValidationProblem(new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [message] });

    private sealed record Found(AuditEntry Entry, string? Actor, AuditDetails? Details);
}
