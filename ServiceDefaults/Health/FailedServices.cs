using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InferenceTemplate.ServiceDefaults.Health;

internal static class FailedServices
{
    /// <summary>
    /// Has the process end with 1 where a background service failed. The host stops then, but as it does when told to: whoever starts
    /// anew what crashed would take it for done.
    /// </summary>
    public static void ExitWithTheirFailure(this WebApplication app) => app.Lifetime.ApplicationStopped.Register(() =>
    {
        if (app.Services.GetServices<IHostedService>()
            .OfType<BackgroundService>().Any(service => service.ExecuteTask is { IsFaulted: true }))
        {
            Environment.ExitCode = 1;
        }
    });
}
