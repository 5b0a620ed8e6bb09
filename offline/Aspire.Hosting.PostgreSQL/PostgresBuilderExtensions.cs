using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Postgres;
using Aspire.Hosting.Running;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

/// <summary>Adds Postgres.</summary>
public static class PostgresBuilderExtensions
{
    public static IResourceBuilder<PostgresServerResource> AddPostgres(
        this IDistributedApplicationBuilder builder,
        string name,
        IResourceBuilder<ParameterResource>? userName = null,
        IResourceBuilder<ParameterResource>? password = null,
        int? port = null)
    {
        var server = new PostgresServerResource(
            name,
            userName?.Resource,
            password?.Resource ?? ParameterResourceBuilderExtensions.CreateDefaultPasswordParameter(builder, $"{name}-password"));
        var check = AddCheck(builder, $"{name}_check", async ct => $"{await server.ConnectionStringExpression.GetValueAsync(ct)};Database=postgres");
        return builder.AddResource(server)
            .WithEndpoint(port: port, targetPort: 5432, name: "tcp")
            .WithImage("library/postgres", "18.3")
            .WithImageRegistry("docker.io")
            .WithEnvironment("POSTGRES_HOST_AUTH_METHOD", "scram-sha-256")
            .WithEnvironment("POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256 --auth-local=scram-sha-256")
            .WithEnvironment(context =>
            {
                context.EnvironmentVariables["POSTGRES_USER"] = server.UserNameReference;
                context.EnvironmentVariables["POSTGRES_PASSWORD"] = server.PasswordParameter;
            })
            .WithHealthCheck(check)
            .WithAnnotation(new LocalServer(PostgresCluster.Check, new PostgresCluster(server).PrepareAsync))
            .OnResourceReady((_, _, ct) => PostgresDatabases.CreateMissingAsync(server, ct));
    }

    public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(
        this IResourceBuilder<PostgresServerResource> builder, string name, string? databaseName = null)
    {
        var database = new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource);
        var check = AddCheck(builder.ApplicationBuilder, $"{name}_check", database.ConnectionStringExpression.GetValueAsync);
        var added = builder.ApplicationBuilder.AddResource(database).WithHealthCheck(check);
        builder.Resource.AddDatabase(name, database.DatabaseName);
        return added;
    }

    public static IResourceBuilder<PostgresServerResource> WithDataVolume(
        this IResourceBuilder<PostgresServerResource> builder, string? name = null, bool isReadOnly = false) =>
        builder.WithVolume(name ?? VolumeNameGenerator.Generate(builder, "data"), "/var/lib/postgresql", isReadOnly);

    private static string AddCheck(IDistributedApplicationBuilder builder, string key, Func<CancellationToken, ValueTask<string?>> connectionString)
    {
        builder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, new PostgresHealthCheck(connectionString), null, null));
        return key;
    }
}
