using InferenceTemplate.Api.Audit;
using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;

namespace InferenceTemplate.Api.Auth;

/// <summary>A key to be made.</summary>
/// <param name="Models">The models that it opens; null for all that its tenant has.</param>
public sealed record NewApiKey(string Name, string TenantId, string Role, string[]? Models, DateTimeOffset? ExpiresAt);

/// <summary>A key that has just been made.</summary>
/// <param name="Secret">The whole key. This is the only moment at which it is known.</param>
public sealed record IssuedApiKey(ApiKey Key, string Secret);

/// <summary>Makes, finds and ends API keys.</summary>
public sealed class ApiKeyRegistry(
    IDbContextFactory<InferenceDbContext> contexts, ApiKeyHasher hasher, AuditLog audit, TimeProvider time)
{
    /// <summary>The prefix of the key that the configuration sets.</summary>
    public const string FirstAdminPrefix = "admin";

    public static readonly TimeSpan DefaultOverlap = TimeSpan.FromHours(24);

    /// <summary>The longest that a key goes on beside the one that replaces it.</summary>
    public static readonly TimeSpan MaxOverlap = TimeSpan.FromDays(30);

    public async Task<(IssuedApiKey? Issued, ApiKeyProblem? Problem)> CreateAsync(
        NewApiKey wanted, Actor actor, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var tenant = await database.Tenants.AsNoTracking().SingleOrDefaultAsync(t => t.Id == wanted.TenantId, cancellationToken);
        if (ApiKeyRules.Problem(wanted, tenant, time.GetUtcNow()) is { } problem)
        {
            return (null, problem);
        }

        var issued = Issue(wanted, actor.Name, replaces: null);
        database.ApiKeys.Add(issued.Key);
        await database.SaveChangesAsync(cancellationToken);
        Record("key.created", issued.Key, actor);
        return (issued, null);
    }

    public async Task<ApiKey?> FindAsync(Guid id, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        return await database.ApiKeys.AsNoTracking().SingleOrDefaultAsync(k => k.Id == id, cancellationToken);
    }

    /// <summary>Keys in every state, the newest first, those before <paramref name="before"/> where it is given.</summary>
    /// <param name="prefix">What their prefix begins with.</param>
    public async Task<IReadOnlyList<ApiKey>> ListAsync(
        string? tenant, string? prefix, Guid? before, int limit, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        var keys = database.ApiKeys.AsNoTracking();
        keys = tenant is null ? keys : keys.Where(k => k.TenantId == tenant);
        keys = prefix is null ? keys : keys.Where(k => k.Prefix.StartsWith(prefix));
        keys = before is null ? keys : keys.Where(k => k.Id < before);
        return await keys.OrderByDescending(k => k.Id).Take(limit).ToListAsync(cancellationToken);
    }

    /// <summary>
    /// Makes a key like another one, which ends when the overlap is over. Where that one has an end, the new one lives as long.
    /// </summary>
    /// <param name="overlap">From 0, which ends the old key at once, to <see cref="MaxOverlap"/>.</param>
    public async Task<(IssuedApiKey? Issued, ApiKeyProblem? Problem)> RotateAsync(
        Guid id, TimeSpan overlap, Actor actor, CancellationToken cancellationToken)
    {
        if (overlap < TimeSpan.Zero || overlap > MaxOverlap)
        {
            return (null, ApiKeyProblem.Invalid("overlap", $"must be from 0 to {MaxOverlap.TotalDays:0} days; {overlap} is given"));
        }

        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        var old = await LockAsync(database, id, cancellationToken);
        var now = time.GetUtcNow();
        var next = await database.ApiKeys.AsNoTracking().FirstOrDefaultAsync(k => k.Replaces == id, cancellationToken);
        if (ApiKeyRules.ProblemOfRotation(old, next, id, now) is { } problem)
        {
            return (null, problem);
        }

        var issued = Issue(
            new NewApiKey(old!.Name, old.TenantId, old.Role, old.Models, Renewed(old, now)), actor.Name, old.Id);
        database.ApiKeys.Add(issued.Key);
        if (overlap == TimeSpan.Zero)
        {
            old.RevokedAt = now;
        }
        else if (old.ExpiresAt is not { } end || end > now + overlap)
        {
            old.ExpiresAt = now + overlap;
        }

        await database.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        Record("key.rotated", old, actor, ("successor", issued.Key.Prefix), ("overlap", overlap.ToString()));
        return (issued, null);
    }

    // As long again as it was to last, if there is a date for that: 9999-12-31 is how some say never.
    private static DateTimeOffset? Renewed(ApiKey old, DateTimeOffset now) => old.ExpiresAt is not { } end ? null
        : end - old.CreatedAt is var life && life < DateTimeOffset.MaxValue - now ? now + life
        : end;

    /// <summary>Ends a key at once. One that was revoked before stays as it was.</summary>
    /// <returns>The key; null when there is none.</returns>
    public async Task<ApiKey?> RevokeAsync(Guid id, Actor actor, CancellationToken cancellationToken)
    {
        await using var database = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await database.Database.BeginTransactionAsync(cancellationToken);
        if (await LockAsync(database, id, cancellationToken) is not { } key)
        {
            return null;
        }

        if (key.RevokedAt is null)
        {
            key.RevokedAt = time.GetUtcNow();
            await database.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            Record("key.revoked", key, actor);
        }

        return key;
    }

    private static Task<ApiKey?> LockAsync(InferenceDbContext database, Guid id, CancellationToken cancellationToken) =>
        database.ApiKeys.FromSql($"SELECT * FROM api_keys WHERE id = {id} FOR UPDATE").SingleOrDefaultAsync(cancellationToken);

    private IssuedApiKey Issue(NewApiKey wanted, string actor, Guid? replaces)
    {
        var now = time.GetUtcNow();
        var prefix = ApiKeyFormat.NewPrefix();
        var secret = ApiKeyFormat.NewKey(prefix);
        var key = new ApiKey
        {
            Id = Guid.CreateVersion7(now),
            Prefix = prefix,
            Hash = hasher.Hash(secret),
            TenantId = wanted.TenantId,
            Name = wanted.Name,
            Role = wanted.Role,
            Models = wanted.Models is null ? null : [.. wanted.Models.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
            CreatedAt = now,
            CreatedBy = actor,
            Replaces = replaces,
            ExpiresAt = wanted.ExpiresAt?.ToUniversalTime(),
        };
        return new IssuedApiKey(key, secret);
    }

    private void Record(string action, ApiKey key, Actor actor, params (string Name, string Value)[] more) =>
        audit.Record(new AuditEvent(action, actor.Name, key.TenantId, key.Prefix, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["key_id"] = key.Id.ToString(),
            ["name"] = key.Name,
            ["role"] = key.Role,
        }.Concat(more.Select(m => KeyValuePair.Create(m.Name, m.Value))).ToDictionary(StringComparer.Ordinal))
        {
            ActorTenantId = actor.TenantId,
        });
}
