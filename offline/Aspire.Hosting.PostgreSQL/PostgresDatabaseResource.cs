using System.Data.Common;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A database in a Postgres server.</summary>
public class PostgresDatabaseResource(string name, string databaseName, PostgresServerResource postgresParentResource)
    : Resource(name), IResourceWithParent<PostgresServerResource>, IResourceWithConnectionString
{
    public PostgresServerResource Parent { get; } = postgresParentResource;
    public string DatabaseName { get; } = databaseName;

    public ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"{Parent};{new DbConnectionStringBuilder { ["Database"] = DatabaseName }.ToString()}");

    public ReferenceExpression UriExpression => Parent.Uri(DatabaseName);
    public ReferenceExpression JdbcConnectionString => Parent.Jdbc(DatabaseName);

    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties() =>
        [.. Parent.Properties(DatabaseName), new("DatabaseName", ReferenceExpression.Create($"{DatabaseName}"))];
}
