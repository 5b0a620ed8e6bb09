using System.Data.Common;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A database in a Postgres server.</summary>
public class PostgresDatabaseResource(string name, string databaseName, PostgresServerResource postgresParentResource)
    : Resource(name), IResourceWithParent<PostgresServerResource>, IResourceWithConnectionString
{
    /// <inheritdoc />
    public PostgresServerResource Parent { get; } = postgresParentResource;

    /// <summary>The name of the database.</summary>
    public string DatabaseName { get; } = databaseName;

    /// <inheritdoc />
    public ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"{Parent};{new DbConnectionStringBuilder { ["Database"] = DatabaseName }.ToString()}");

    /// <summary>postgresql://user:password@host:port/database</summary>
    public ReferenceExpression UriExpression => Parent.Uri(DatabaseName);

    /// <summary>jdbc:postgresql://host:port/database</summary>
    public ReferenceExpression JdbcConnectionString => Parent.Jdbc(DatabaseName);

    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties() =>
        [.. Parent.Properties(DatabaseName), new("DatabaseName", ReferenceExpression.Create($"{DatabaseName}"))];
}
