using System.Text.RegularExpressions;
using InferenceTemplate.Api.Audit;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tenants;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace InferenceTemplate.Api.Tenants;

public enum TenantProblemKind
{
    Invalid,
    NotFound,
    Conflict,
}

/// <summary>Why a tenant could not be changed, for whoever asked.</summary>
public sealed record TenantProblem(TenantProblemKind Kind, string Message, IReadOnlyList<(string Field, string Message)>? Fields = null);

/// <summary>Tenants as operators see and change them; each change is an event of audit.</summary>
public sealed partial class TenantStore(
    IDbContextFactory<InferenceDbContext> contexts, TenantLimiter limiter, AuditLog audit, TimeProvider time)
{
    public const string IdRule =
        "1 to 64 lower-case letters, digits and '-', beginning and ending with a letter or digit, and none of me, all, other";

    // Words of the API and of metrics.
    private static readonly string[] Reserved = ["me", "all", TenantTelemetry.Other];

    public static bool IsId(string id) => Id().IsMatch(id) && !Reserved.Contains(id, StringComparer.Ordinal);

    public async Task<IReadOnlyList<Tenant>> ListAsync(bool deleted, string? after, int limit, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        return await database.Tenants.AsNoTracking()
            .Where(t => (deleted || t.DeletedAt == null) && (after == null || string.Compare(t.Id, after) > 0))
            .OrderBy(t => t.Id).Take(limit).ToListAsync(cancellationToken);
    }

    public async Task<Tenant?> FindAsync(string id, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        return await database.Tenants.AsNoTracking().SingleOrDefaultAsync(t => t.Id == id, cancellationToken);
    }

    public async Task<(Tenant? Tenant, TenantProblem? Problem)> CreateAsync(
        string id, TenantSettings settings, Actor actor, CancellationToken cancellationToken)
    {
        if (!IsId(id))
        {
            return (null, Invalid([("id", $"'{id}' given, {IdRule} expected")]));
        }

        if (settings.Problems() is { Count: > 0 } problems)
        {
            return (null, Invalid(problems));
        }

        var tenant = new Tenant { Id = id, Name = settings.Name!, CreatedAt = time.GetUtcNow() };
        settings.Apply(tenant);
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        database.Tenants.Add(tenant);
        try
        {
            await database.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateException exception)
            when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return (null, new(TenantProblemKind.Conflict, $"There is, or was, a tenant '{id}': ids are not used again."));
        }

        audit.Record(new AuditEvent("tenant.created", actor.Name, id, id) { ActorTenantId = actor.TenantId });
        return (tenant, null);
    }

    /// <summary>Gives a tenant new settings, made from its present ones.</summary>
    public Task<(Tenant? Tenant, TenantProblem? Problem)> UpdateAsync(
        string id, Func<TenantSettings, (TenantSettings? Settings, TenantProblem? Problem)> change, Actor actor,
        CancellationToken cancellationToken) =>
        ChangeAsync(id, "tenant.updated", actor, tenant =>
        {
            var (settings, problem) = change(TenantSettings.Of(tenant));
            if (problem is not null)
            {
                return problem;
            }

            if (settings!.Problems() is { Count: > 0 } problems)
            {
                return Invalid(problems);
            }

            settings.Apply(tenant);
            return null;
        }, cancellationToken);

    public Task<(Tenant? Tenant, TenantProblem? Problem)> SuspendAsync(string id, Actor actor, CancellationToken cancellationToken) =>
        ChangeAsync(id, "tenant.suspended", actor, tenant =>
        {
            tenant.SuspendedAt ??= time.GetUtcNow();
            return OfDefault(tenant, "suspended");
        }, cancellationToken);

    public Task<(Tenant? Tenant, TenantProblem? Problem)> ResumeAsync(string id, Actor actor, CancellationToken cancellationToken) =>
        ChangeAsync(id, "tenant.resumed", actor, tenant =>
        {
            tenant.SuspendedAt = null;
            return null;
        }, cancellationToken);

    /// <summary>Marks a tenant as deleted, which also refuses its credentials; its data are removed elsewhere.</summary>
    public Task<(Tenant? Tenant, TenantProblem? Problem)> DeleteAsync(string id, Actor actor, CancellationToken cancellationToken) =>
        ChangeAsync(id, "tenant.deleted", actor, tenant =>
        {
            tenant.DeletedAt = time.GetUtcNow();
            tenant.SuspendedAt ??= tenant.DeletedAt;
            return OfDefault(tenant, "deleted");
        }, cancellationToken);

    private async Task<(Tenant? Tenant, TenantProblem? Problem)> ChangeAsync(
        string id, string action, Actor actor, Func<Tenant, TenantProblem?> change, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);

        // Locked: two changes at once must not undo one another.
        var tenant = (await database.Tenants.FromSql($"SELECT * FROM tenants WHERE id = {id} FOR UPDATE")
            .ToListAsync(cancellationToken)).SingleOrDefault();
        if (tenant is null)
        {
            return (null, new(TenantProblemKind.NotFound, $"There is no tenant '{id}'."));
        }

        if (tenant.DeletedAt is not null)
        {
            return (null, new(TenantProblemKind.Conflict, $"The tenant '{id}' is deleted and can't be changed any more."));
        }

        if (change(tenant) is { } problem)
        {
            return (null, problem);
        }

        var changed = database.Entry(tenant).Properties.Where(p => p.IsModified)
            .ToDictionary(p => p.Metadata.GetColumnName(), p => Show(p.CurrentValue), StringComparer.Ordinal);
        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (changed.Count > 0)
        {
            audit.Record(new AuditEvent(action, actor.Name, id, id, changed) { ActorTenantId = actor.TenantId });
        }

        if (changed.ContainsKey("monthly_inferences") || changed.ContainsKey("allow_overdraft"))
        {
            await ForgetMonthAsync(id);
        }

        return (tenant, null);
    }

    // While Redis is away there is nothing to forget, or what it comes back with is at most too low: the sums in Postgres count, too.
    private async Task ForgetMonthAsync(string id)
    {
        try
        {
            await limiter.ForgetMonthAsync(id, TenantAccount.MonthOf(time.GetUtcNow()));
        }
        catch (QueueUnavailableException)
        {
            // See above.
        }
    }

    private static string Show(object? value) => value switch
    {
        null => "platform's",
        string[] texts => string.Join(", ", texts),
        DateTimeOffset moment => moment.ToString("O"),
        _ => FormattableString.Invariant($"{value}"),
    };

    private static TenantProblem? OfDefault(Tenant tenant, string what) => tenant.Id == Tenant.DefaultId
        ? new(TenantProblemKind.Conflict, $"The tenant '{Tenant.DefaultId}' is the operator's own and can't be {what}.")
        : null;

    private static TenantProblem Invalid(IReadOnlyList<(string Field, string Message)> fields) =>
        new(TenantProblemKind.Invalid, string.Join("; ", fields.Select(f => $"{f.Field}: {f.Message}")), fields);

    // \z, since $ would let a line break through.
    [GeneratedRegex(@"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?\z", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Id();
}
