using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;

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

        await using var database = await services.GetRequiredService<IDbContextFactory<InferenceDbContext>>().CreateDbContextAsync(stopping);
        Assert.Empty(await database.Database.GetPendingMigrationsAsync(stopping));
    }

    [Fact]
    public async Task Migrations_say_all_that_the_model_says()
    {
        await using var services = new ServiceCollection().AddLogging().AddSingleton(servers.Database).AddData().BuildServiceProvider();
        var contexts = services.GetRequiredService<IDbContextFactory<InferenceDbContext>>();
        await using var database = await contexts.CreateDbContextAsync(TestContext.Current.CancellationToken);

        Assert.False(database.Database.HasPendingModelChanges());
    }
}
