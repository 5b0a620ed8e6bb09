using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

[assembly: AssemblyFixture(typeof(Servers))]

namespace InferenceTemplate.Tests.Storage;

public sealed class SchemaTests(Servers servers)
{
    [Fact]
    public async Task Migrations_of_two_replicas_at_once_leave_the_schema_current()
    {
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(servers.Database)
            .AddData()
            .BuildServiceProvider();
        var migrator = services.GetRequiredService<SchemaMigrator>();
        var stopping = TestContext.Current.CancellationToken;

        await Task.WhenAll(migrator.MigrateAsync(stopping), migrator.MigrateAsync(stopping));

        await using var database = await services.GetRequiredService<IDbContextFactory<InferenceDbContext>>()
            .CreateDbContextAsync(stopping);
        Assert.Empty(await database.Database.GetPendingMigrationsAsync(stopping));
    }

    [Fact]
    public async Task Database_that_is_not_there_is_created_by_one_of_two_replicas_at_once()
    {
        var name = $"odd \"{Guid.NewGuid():N}";
        var quoted = $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        try
        {
            await Task.WhenAll(MigrateAsync(), MigrateAsync());

            Assert.Equal(1L, await ScalarAsync("SELECT count(*) FROM pg_database WHERE datname = $1", name));
        }
        finally
        {
            await ExecuteAsync($"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)");
        }

        async Task MigrateAsync()
        {
            await using var source = NpgsqlDataSource.Create(
                new NpgsqlConnectionStringBuilder(servers.ConnectionString) { Database = name, MaxPoolSize = 5 }.ConnectionString);
            await using var services = new ServiceCollection().AddLogging().AddSingleton(source).AddData().BuildServiceProvider();
            await services.GetRequiredService<SchemaMigrator>().MigrateAsync(TestContext.Current.CancellationToken);
            var schema = services.GetRequiredService<SchemaHealthCheck>();
            var health = await schema.CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken);
            Assert.Equal(HealthStatus.Healthy, health.Status);
        }
    }

    [Fact]
    public async Task Login_that_may_not_create_the_missing_database_is_told_what_to_run()
    {
        var login = $"guest_{Guid.NewGuid():N}";
        await ExecuteAsync($"CREATE ROLE {login} LOGIN PASSWORD 'guest'");
        try
        {
            await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(servers.ConnectionString)
            {
                Database = "missing",
                Username = login,
                Password = "guest",
            }.ConnectionString);
            await using var services = new ServiceCollection().AddLogging().AddSingleton(source).AddData().BuildServiceProvider();

            var refused = await Assert.ThrowsAnyAsync<NpgsqlException>(
                () => services.GetRequiredService<SchemaMigrator>().MigrateAsync(TestContext.Current.CancellationToken));

            Assert.Equal(
                $"the server has no database 'missing', and the login '{login}' can't make it (permission denied to create database): "
                + $"have its administrator run CREATE DATABASE \"missing\" OWNER \"{login}\"",
                refused.Message);
        }
        finally
        {
            await ExecuteAsync($"DROP ROLE {login}");
        }
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = servers.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private async Task<object?> ScalarAsync(string sql, string value)
    {
        await using var command = servers.Database.CreateCommand(sql);
        command.Parameters.AddWithValue(value);
        return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Migration_goes_on_where_the_database_died_after_its_lock_was_taken()
    {
        var stopping = TestContext.Current.CancellationToken;
        await using var own = await OwnDatabase.CreateAsync(servers);
        await own.ExecuteAsync("DROP SCHEMA public CASCADE");
        await own.ExecuteAsync("CREATE SCHEMA public");
        var contexts = new ContextsOfACrash(own.Get<IDbContextFactory<InferenceDbContext>>());
        var migrator = new SchemaMigrator(own.Source, contexts, NullLogger<SchemaMigrator>.Instance);

        await migrator.MigrateAsync(stopping);

        Assert.Equal(2, contexts.Made);
        Assert.Equal(HealthStatus.Healthy, await SchemaAsync(own));
    }

    [Fact]
    public async Task Schema_of_the_version_before_is_brought_forward()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        await own.ExecuteAsync("DROP SCHEMA public CASCADE");
        await own.ExecuteAsync("CREATE SCHEMA public");
        await using (var database = await own.Get<IDbContextFactory<InferenceDbContext>>()
            .CreateDbContextAsync(TestContext.Current.CancellationToken))
        {
            var before = database.Database.GetMigrations().Reverse().Skip(1).First();
            await database.GetService<IMigrator>().MigrateAsync(before, TestContext.Current.CancellationToken);
        }

        await own.Get<SchemaMigrator>().MigrateAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HealthStatus.Healthy, await SchemaAsync(own));
    }

    [Fact]
    public async Task Schema_that_lacks_a_migration_is_not_healthy()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        await own.ExecuteAsync("""
            DELETE FROM "__EFMigrationsHistory" WHERE "MigrationId" = (SELECT max("MigrationId") FROM "__EFMigrationsHistory")
            """);
        var lacking = await SchemaAsync(own);
        await own.ExecuteAsync("""DROP TABLE "__EFMigrationsHistory" """);
        var empty = await SchemaAsync(own);

        Assert.Equal((HealthStatus.Unhealthy, HealthStatus.Unhealthy), (lacking, empty));
    }

    private static async Task<HealthStatus> SchemaAsync(OwnDatabase own)
    {
        await using var replica = own.Replica();
        return (await replica.GetRequiredService<SchemaHealthCheck>()
            .CheckHealthAsync(new HealthCheckContext(), TestContext.Current.CancellationToken)).Status;
    }

    [Fact]
    public async Task Migrations_say_all_that_the_model_says()
    {
        await using var services = new ServiceCollection().AddLogging().AddSingleton(servers.Database).AddData().BuildServiceProvider();
        var contexts = services.GetRequiredService<IDbContextFactory<InferenceDbContext>>();
        await using var database = await contexts.CreateDbContextAsync(TestContext.Current.CancellationToken);

        Assert.False(database.Database.HasPendingModelChanges());
    }

    // Nobody listens at the first one's address, as at a server's that was killed.
    private sealed class ContextsOfACrash(IDbContextFactory<InferenceDbContext> real) : IDbContextFactory<InferenceDbContext>
    {
        public int Made { get; private set; }

        public InferenceDbContext CreateDbContext() => ++Made == 1
            ? new InferenceDbContext(
                new DbContextOptionsBuilder<InferenceDbContext>().UseNpgsql("Host=127.0.0.1;Port=1;Username=nobody;Timeout=5").Options)
            : real.CreateDbContext();
    }
}
