namespace Aspire.Hosting.ApplicationModel;

/// <summary>A Postgres server.</summary>
public class PostgresServerResource : ContainerResource, IResourceWithConnectionString
{
    internal const string DefaultUserName = "postgres";
    private readonly Dictionary<string, string> _databases = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>With a user name, or null for postgres, and a password.</summary>
    public PostgresServerResource(string name, ParameterResource? userName, ParameterResource password)
        : base(name)
    {
        UserNameParameter = userName;
        PasswordParameter = password;
        PrimaryEndpoint = new(this, "tcp");
    }

    /// <summary>Where it listens.</summary>
    public EndpointReference PrimaryEndpoint { get; }

    /// <summary>The host name for clients.</summary>
    public EndpointReferenceExpression Host => PrimaryEndpoint.Property(EndpointProperty.Host);

    /// <summary>The port for clients.</summary>
    public EndpointReferenceExpression Port => PrimaryEndpoint.Property(EndpointProperty.Port);

    /// <summary>The superuser's name; null for postgres.</summary>
    public ParameterResource? UserNameParameter { get; set; }

    /// <summary>The superuser's password.</summary>
    public ParameterResource PasswordParameter { get; set; }

    /// <summary>The superuser's name.</summary>
    public ReferenceExpression UserNameReference => UserNameParameter is null
        ? ReferenceExpression.Create($"{DefaultUserName}")
        : ReferenceExpression.Create($"{UserNameParameter}");

    /// <summary>The databases: resource name to database name.</summary>
    public IReadOnlyDictionary<string, string> Databases => _databases;

    /// <inheritdoc />
    public ReferenceExpression ConnectionStringExpression =>
        ReferenceExpression.Create($"Host={Host};Port={Port};Username={UserNameReference};Password={PasswordParameter}");

    /// <summary>postgresql://user:password@host:port</summary>
    public ReferenceExpression UriExpression => Uri(null);

    /// <summary>jdbc:postgresql://host:port</summary>
    public ReferenceExpression JdbcConnectionString => Jdbc(null);

    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties() => Properties(null);

    internal void AddDatabase(string name, string databaseName) => _databases.Add(name, databaseName);

    internal ReferenceExpression Uri(string? database)
    {
        var uri = new ReferenceExpressionBuilder();
        uri.AppendLiteral("postgresql://");
        if (UserNameParameter is null)
        {
            uri.AppendLiteral(DefaultUserName);
        }
        else
        {
            uri.Append($"{UserNameParameter:uri}");
        }

        uri.Append($":{PasswordParameter:uri}@{Host}:{Port}");
        if (database is not null)
        {
            uri.Append($"/{database:uri}");
        }

        return uri.Build();
    }

    internal ReferenceExpression Jdbc(string? database)
    {
        var uri = new ReferenceExpressionBuilder();
        uri.Append($"jdbc:postgresql://{Host}:{Port}");
        if (database is not null)
        {
            uri.Append($"/{database:uri}");
        }

        return uri.Build();
    }

    internal IEnumerable<KeyValuePair<string, ReferenceExpression>> Properties(string? database) =>
    [
        new("Host", ReferenceExpression.Create($"{Host}")),
        new("Port", ReferenceExpression.Create($"{Port}")),
        new("Username", UserNameReference),
        new("Password", ReferenceExpression.Create($"{PasswordParameter}")),
        new("Uri", Uri(database)),
        new("JdbcConnectionString", Jdbc(database)),
    ];
}
