using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.ServiceDefaults.Health;

/// <summary>The health check of the process itself, and a bound on the time of all.</summary>
internal static class HealthDefaults
{
    /// <summary>Checks with this tag decide on liveness; the others only on readiness.</summary>
    public const string Live = "live";

    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(2);

    // How soon a change of health is logged.
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    public static void AddHealthDefaults(this IServiceCollection services)
    {
        services.AddOptions<ShutdownOptions>().BindConfiguration(ShutdownOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        // The delay is not taken from the time in which what is under way is finished.
        services.AddOptions<HostOptions>().PostConfigure<IOptions<ShutdownOptions>>((host, shutdown) =>
        {
            if (host.ShutdownTimeout != Timeout.InfiniteTimeSpan) host.ShutdownTimeout += shutdown.Value.Delay;
        });
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<Draining>();
        services.AddHostedService(provider => provider.GetRequiredService<Draining>());
        services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), [Live]).AddCheck<Draining>(Draining.Name);
        services.AddSingleton<IHealthCheckPublisher, HealthChanges>();
        services.Configure<HealthCheckPublisherOptions>(options => options.Period = Period);

        // A probe has a timeout of its own: a check that waits for a dead server must fail before it.
        services.PostConfigure<HealthCheckServiceOptions>(options =>
        {
            foreach (var registration in options.Registrations)
            {
                if (registration.Timeout == Timeout.InfiniteTimeSpan) registration.Timeout = CheckTimeout;
                var factory = registration.Factory;
                registration.Factory = provider => new Bounded(factory(provider));
            }
        });
    }

    /// <summary>Leaves a check that does not notice its cancellation behind.</summary>
    private sealed class Bounded(IHealthCheck check) : IHealthCheck
    {
        public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
            check.CheckHealthAsync(context, cancellationToken).WaitAsync(cancellationToken);
    }
}
