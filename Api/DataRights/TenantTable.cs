using InferenceTemplate.Data;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace InferenceTemplate.Api.DataRights;

/// <summary>A table that holds rows of tenants.</summary>
/// <param name="Columns">Those that an export shows, as SQL.</param>
/// <param name="IsTenants">The condition, as SQL, on rows of the tenant <c>$1</c>.</param>
/// <param name="IsErased">Whether an erasure deletes the rows; false where it has another way with them.</param>
public sealed record TenantTable(Type Entity, string Name, IReadOnlyList<string> Columns, string IsTenants, bool IsErased)
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
    /// Every table with a tenant, found in the model, so that none can be forgotten: parts of others come first, keys last, since
    /// their names tell what else is the tenant's.
    /// </summary>
    public static IReadOnlyList<TenantTable> All(IModel model) =>
    [
        .. from entity in model.GetEntityTypes()
           let rank = entity.ClrType == typeof(ApiKey) ? 2 : Whole(entity) is null ? 1 : 0
           let condition = Condition(entity)
           where condition is not null
           orderby rank, entity.GetTableName()
           select new TenantTable(
               entity.ClrType, entity.GetTableName()!, [.. Shown(entity)], condition, !NotDeleted.Contains(entity.ClrType)),
    ];

    /// <summary>The parts of an entity: what has its id in a property <c>{Entity}Id</c>, and no tenant of its own.</summary>
    public static IEnumerable<IEntityType> Parts(IEntityType whole) => whole.Model.GetEntityTypes().Where(e => Whole(e) == whole);

    /// <summary>The column in which a part has the id of what it is a part of.</summary>
    public static string PartColumn(IEntityType part, IEntityType whole) => part.FindProperty($"{whole.ClrType.Name}Id")!.GetColumnName();

    private static bool HasTenant(IEntityType entity) => entity.FindProperty(nameof(Job.TenantId)) is not null;

    private static IEntityType? Whole(IEntityType entity) => HasTenant(entity)
        ? null
        : entity.Model.GetEntityTypes()
            .FirstOrDefault(whole => HasTenant(whole) && entity.FindProperty($"{whole.ClrType.Name}Id") is not null);

    private static string? Condition(IEntityType entity)
    {
        if (entity.ClrType == typeof(Tenant))
        {
            return "id = $1";
        }

        var tenant = entity.FindProperty(nameof(Job.TenantId))?.GetColumnName();
        return tenant is not null
            ? $"{tenant} = $1"
            : Whole(entity) is { } whole
                ? $"{PartColumn(entity, whole)} IN (SELECT id FROM {whole.GetTableName()} WHERE {Condition(whole)})"
                : null;
    }

    // Bytes as Base64 in one line, which is how JSON has them elsewhere.
    private static IEnumerable<string> Shown(IEntityType entity) =>
        from property in entity.GetProperties()
        where !Hidden.GetValueOrDefault(entity.ClrType, []).Contains(property.Name)
        let column = property.GetColumnName()
        select property.GetColumnType() == "bytea" ? $"translate(encode({column}, 'base64'), E'\\n', '') AS {column}" : column;
}
