using Npgsql;

namespace InferenceTemplate.Api.Idempotency;

internal static class IdempotencyRegistration
{
    public static IServiceCollection AddIdempotency(this IServiceCollection services)
    {
        services.AddOptions<IdempotencyOptions>().BindConfiguration(IdempotencyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IdempotencyStore>();
        services.AddSingleton<AnswerSeal>();
        services.AddHostedService<IdempotencySweep>();
        return services;
    }

    /// <summary>After authorization: a key is its caller's, and who is refused leaves no trace.</summary>
    public static void UseIdempotency(this IApplicationBuilder app) => app.UseMiddleware<IdempotencyMiddleware>();
}

/// <summary>Removes keys whose time is over. Every replica does; what two remove at once, one of them finds gone.</summary>
internal sealed partial class IdempotencySweep(
    IdempotencyStore store, TimeProvider time, ILogger<IdempotencySweep> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            using var timer = new PeriodicTimer(Interval, time);
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await store.ExpireAsync(stoppingToken);
                }
                catch (NpgsqlException exception)
                {
                    LogInterrupted(exception.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // They are passed over until somebody removes them.
        }
    }

    [LoggerMessage(LogLevel.Warning, "Old idempotency keys were not removed, trying again in a minute: {Reason}")]
    private partial void LogInterrupted(string reason);
}
