using InferenceTemplate.Inference.Store;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace InferenceTemplate.Inference.DataRights;

/// <summary>A table that holds rows of tenants.</summary>
/// <param name="Columns">Those that an export shows.</param>
/// <param name="TenantColumn">Says whose a row is.</param>
/// <param name="IsErased">Whether an erasure deletes the rows; false where it has another way with them.</param>
public sealed record TenantTable(Type Entity, string Name, IReadOnlyList<string> Columns, string TenantColumn, bool IsErased)
{
    // Secrets, digests for finding things again, and what an export shows in another form.
    private static readonly Dictionary<Type, string[]> Hidden = new()
    {
        [typeof(ApiKey)] = [nameof(ApiKey.Hash)],
        [typeof(Job)] = [nameof(Job.Request), nameof(Job.Outputs), nameof(Job.RequestHash)],
        [typeof(AuditActor)] = [nameof(AuditActor.Salt)],
        [typeof(AuditDetails)] = [nameof(AuditDetails.Salt)],
    };

    // The tenant's row and the audit chain stay, without what is personal in them; the state of an erasure outlives it.
    private static readonly HashSet<Type> NotDeleted =
        [typeof(Tenant), typeof(AuditEntry), typeof(AuditActor), typeof(AuditDetails), typeof(TenantErasureState)];

    /// <summary>
    /// Every table with a tenant, found in the model, so that none can be forgotten: those that refer to others come first, keys
    /// last, since their names tell what else is the tenant's.
    /// </summary>
    public static IReadOnlyList<TenantTable> All(IModel model) =>
    [
        .. Ordered([.. model.GetEntityTypes().Where(IsTenants)])
            .OrderBy(entity => entity.ClrType == typeof(ApiKey))
            .Select(Of),
    ];

    /// <summary>Whether an entity is a tenant's: it says whose by a property of this name, or is the tenant itself.</summary>
    public static bool IsTenants(IReadOnlyEntityType entity) =>
        entity.ClrType == typeof(Tenant) || entity.FindProperty(nameof(Job.TenantId)) is not null;

    private static TenantTable Of(IEntityType entity)
    {
        var hidden = Hidden.GetValueOrDefault(entity.ClrType, []);
        var tenant = entity.FindProperty(nameof(Job.TenantId)) ?? entity.FindProperty(nameof(Tenant.Id))!;
        return new TenantTable(
            entity.ClrType,
            entity.GetTableName()!,
            [.. entity.GetProperties().Where(p => !hidden.Contains(p.Name)).Select(p => p.GetColumnName())],
            tenant.GetColumnName(),
            !NotDeleted.Contains(entity.ClrType));
    }

    private static IEnumerable<IEntityType> Ordered(List<IEntityType> entities)
    {
        while (entities.Count > 0)
        {
            // A cycle could only be broken by the database; then any order is as good.
            var next = entities.Find(e => !entities.Exists(other => other != e && other.GetForeignKeys().Any(k => k.PrincipalEntityType == e)))
                ?? entities[0];
            entities.Remove(next);
            yield return next;
        }
    }
}
