using InferenceTemplate.Core;
using InferenceTemplate.Data;

namespace InferenceTemplate.Api.Idempotency;

internal static class IdempotencyRegistration
{
    public static IServiceCollection AddIdempotency(this IServiceCollection services)
    {
        services.AddOptions<IdempotencyOptions>().BindConfiguration(IdempotencyOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton(new ShownSettings(
            ShownSettings.Retention, typeof(IdempotencyOptions), IdempotencyOptions.Section,
            (nameof(IdempotencyOptions.Retention), "Idempotency keys with their responses")));
        services.AddSingleton<IdempotencyStore>();
        services.AddSingleton<AnswerSeal>();
        services.AddHostedServiceAfterSchema<IdempotencySweep>();
        return services;
    }

    /// <summary>After authorization: a key is its caller's, and who is refused leaves no trace.</summary>
    public static void UseIdempotency(this IApplicationBuilder app) => app.UseMiddleware<IdempotencyMiddleware>();
}

/// <summary>Removes keys whose time is over. Every replica does; what two remove at once, one of them finds gone.</summary>
internal sealed class IdempotencySweep(
    IdempotencyStore store, TimeProvider time, ILogger<IdempotencySweep> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        PeriodicLoop.RunAsync(Interval, store.ExpireAsync, time, logger, stoppingToken);
}
