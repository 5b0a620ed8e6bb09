using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

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
    public async Task Migration_goes_on_where_the_database_died_after_its_lock_was_taken()
    {
        await using var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(servers.Database)
            .AddData()
            .BuildServiceProvider();
        var contexts = new ContextsOfACrash(services.GetRequiredService<IDbContextFactory<InferenceDbContext>>());
        var migrator = new SchemaMigrator(servers.Database, contexts, NullLogger<SchemaMigrator>.Instance);

        await migrator.MigrateAsync(TestContext.Current.CancellationToken);

        Assert.Equal(2, contexts.Made);
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
