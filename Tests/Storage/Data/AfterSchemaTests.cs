using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InferenceTemplate.Tests.Storage;

public sealed class AfterSchemaTests(Servers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Service_begins_when_the_last_migration_is_there_and_stops_with_the_host()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        var newest = await own.ScalarAsync<string>("""
            DELETE FROM "__EFMigrationsHistory" WHERE "MigrationId" = (SELECT max("MigrationId") FROM "__EFMigrationsHistory")
            RETURNING "MigrationId"
            """);
        using var host = Host(own);
        await host.StartAsync(Cancellation);
        var service = host.Services.GetRequiredService<Recording>();

        // Some looks at the schema later it still waits.
        await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
        Assert.False(service.Began.IsCompleted);
        await own.ExecuteAsync("""INSERT INTO "__EFMigrationsHistory" ("MigrationId", "ProductVersion") VALUES ($1, '10')""", newest);
        await service.Began.WaitAsync(Wait.DefaultLimit, Cancellation);
        await host.StopAsync(Cancellation);

        Assert.True(service.Stopped);
    }

    [Fact]
    public async Task Host_stops_while_a_service_still_waits()
    {
        await using var own = await OwnDatabase.CreateAsync(servers);
        await own.ExecuteAsync("""DROP TABLE "__EFMigrationsHistory" """);
        using var host = Host(own);
        await host.StartAsync(Cancellation);

        await host.StopAsync(Cancellation).WaitAsync(Wait.DefaultLimit, Cancellation);

        Assert.False(host.Services.GetRequiredService<Recording>().Began.IsCompleted);
    }

    private static IHost Host(OwnDatabase own)
    {
        var builder = new HostApplicationBuilder();
        builder.Services.AddSingleton(own.Source);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<SchemaHealthCheck>();
        builder.Services.AddSingleton<SchemaArrival>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<SchemaArrival>());
        builder.Services.AddHostedServiceAfterSchema<Recording>();
        return builder.Build();
    }

    private sealed class Recording : BackgroundService
    {
        private readonly TaskCompletionSource _began = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Began => _began.Task;

        public bool Stopped { get; private set; }

        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            _began.SetResult();
            await Task.Delay(Timeout.Infinite, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Stopped = true;
        }
    }
}
