using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InferenceTemplate.AppHost.Lifecycle;

internal static class Launch
{
    /// <summary>Runs the application to its end, children included, also where Ctrl+C comes before all of it has started.</summary>
    /// <returns>The exit code: 1 where it cannot run on this machine as it is, with the reason on the standard error.</returns>
    public static async Task<int> RunToEndAsync(this DistributedApplication app)
    {
        try
        {
            await app.RunAsync();
            return 0;
        }
        catch (Exception exception) when (Reason(exception) is { } reason)
        {
            Console.Error.WriteLine($"error: {reason}");
            return 1;
        }
        finally
        {
            await StopAsync(app);
        }
    }

    /// <summary>
    /// A start that is broken off stops nothing: the orchestrator finds out by itself that nobody is there any more, which takes it half
    /// a minute, with ports and files in use.
    /// </summary>
    private static async Task StopAsync(DistributedApplication app)
    {
        if (app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.IsCancellationRequested)
        {
            return;
        }

        try
        {
            await app.StopAsync();
        }
        catch (OperationCanceledException)
        {
            // Of what had not started.
        }
    }

    /// <summary>What this AppHost itself says about the machine needs no stack trace.</summary>
    private static string? Reason(Exception? exception) => exception switch
    {
        null => null,
        DistributedApplicationException known => known.Message,
        AggregateException several => several.InnerExceptions.Select(Reason).FirstOrDefault(reason => reason is not null),
        _ => Reason(exception.InnerException),
    };
}
