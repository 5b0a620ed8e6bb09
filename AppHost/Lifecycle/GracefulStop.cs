using System.Globalization;
using InferenceTemplate.AppHost.LocalServers;

namespace InferenceTemplate.AppHost.Lifecycle;

/// <summary>
/// Stops a replica at its own pace: the orchestrator's stop kills after 6 seconds, when a worker may still run what it has taken.
/// </summary>
internal sealed class GracefulStop(ResourceNotificationService notifications, ResourceCommandService commands)
{
    private const string ProcessId = "executable.pid";

    // A worker's drain, and what it needs to return the rest to the queue and to end.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(Shutdown.WorkerDrain + 10);

    public static bool Runs(ResourceEvent replica) => replica.Snapshot.State?.Text == KnownResourceStates.Running;

    /// <summary>Asks a replica to end, and waits until it has.</summary>
    /// <returns>Whether it ended by itself within the time that it has.</returns>
    public async Task<bool> StopAsync(ResourceEvent replica, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_limit);
        try
        {
            await AskAsync(replica, limit.Token);
            await notifications.WaitForResourceAsync(
                replica.Resource.Name,
                now => now.ResourceId == replica.ResourceId && KnownResourceStates.TerminalStates.Contains(now.Snapshot.State?.Text),
                limit.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private Task AskAsync(ResourceEvent replica, CancellationToken cancellationToken)
    {
        // A service that a debugger started has none.
        var process = replica.Snapshot.Properties.FirstOrDefault(property => property.Name == ProcessId)?.Value;
        var id = Convert.ToInt32(process, CultureInfo.InvariantCulture);
        return OperatingSystem.IsWindows() || id <= 0
            ? commands.ExecuteCommandAsync(replica.ResourceId, KnownResourceCommands.StopCommand, cancellationToken)
            // It may have ended meanwhile.
            : Tool.RunAsync(
                ["sh", "-c", "kill -TERM \"$1\" 2>/dev/null || :", "sh", id.ToString(CultureInfo.InvariantCulture)], "", cancellationToken);
    }
}
