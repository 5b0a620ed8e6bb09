using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;

namespace InferenceTemplate.Api.DataRights;

/// <summary>A column of any table that names who did something: the name of a key, hence of a tenant's person perhaps.</summary>
internal sealed record PersonalColumn(string Table, string Column)
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal) { "Actor", "CreatedBy", "UpdatedBy" };

    public static IReadOnlyList<PersonalColumn> All(IModel model) =>
    [
        .. from entity in model.GetEntityTypes()
           from property in entity.GetProperties()
           where Names.Contains(property.Name) && property.ClrType == typeof(string)
           select new PersonalColumn(entity.GetTableName()!, property.GetColumnName()),
    ];
}
