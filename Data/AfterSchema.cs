using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace InferenceTemplate.Data;

/// <summary>Knows when the database has the schema of this build: everything starts at once, and one Api migrates.</summary>
public sealed class SchemaArrival(SchemaHealthCheck schema, TimeProvider time) : BackgroundService
{
    // Short, since all services of a start wait for it.
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Arrived => _arrived.Task;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while ((await schema.CheckHealthAsync(new(), stoppingToken)).Status != HealthStatus.Healthy)
        {
            await Task.Delay(s_interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }

        _arrived.SetResult();
    }
}

/// <summary>Runs a service that works on tables from the moment they are there.</summary>
internal sealed class AfterSchema<T>(T service, SchemaArrival schema) : BackgroundService
    where T : BackgroundService
{
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await service.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await schema.Arrived.WaitAsync(stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stoppingToken.IsCancellationRequested)
        {
            // Stopped with this one, and what ends it ends this one.
            await service.StartAsync(stoppingToken);
            await (service.ExecuteTask ?? Task.CompletedTask);
        }
    }
}

public static class AfterSchemaRegistration
{
    /// <summary>Adds a hosted service that does not begin before the database has every migration that this build knows.</summary>
    public static IServiceCollection AddHostedServiceAfterSchema<T>(this IServiceCollection services)
        where T : BackgroundService
    {
        services.AddSingleton<T>();
        return services.AddHostedService<AfterSchema<T>>();
    }
}
