using System.ComponentModel;
using System.Diagnostics;

namespace InferenceTemplate.AppHost.LocalServers;

/// <summary>
/// Whether this machine runs containers. A client whose service does not answer, as inside many containers, does not count.
/// </summary>
internal static class ContainerRuntime
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);
    private static readonly Lazy<bool> s_works = new(() => Task.Run(ProbeAsync).GetAwaiter().GetResult());

    public static bool Works => s_works.Value;

    private static async Task<bool> ProbeAsync()
    {
        using var limit = new CancellationTokenSource(AnswerLimit);
        await foreach (var probe in Task.WhenEach(AnswersAsync("docker", limit.Token), AnswersAsync("podman", limit.Token)))
        {
            if (await probe)
            {
                // The other may hang: no reason to wait for it.
                await limit.CancelAsync();
                return true;
            }
        }

        return false;
    }

    private static async Task<bool> AnswersAsync(string client, CancellationToken cancellationToken)
    {
        try
        {
            using var info = Process.Start(new ProcessStartInfo(client, ["info"])
            {
                UseShellExecute = false,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            try
            {
                await Task.WhenAll(
                    info.StandardOutput.ReadToEndAsync(cancellationToken),
                    info.StandardError.ReadToEndAsync(cancellationToken),
                    info.WaitForExitAsync(cancellationToken));
                return info.ExitCode == 0;
            }
            catch (OperationCanceledException)
            {
                info.Kill(entireProcessTree: true);
                return false;
            }
        }
        catch (Win32Exception)
        {
            // Not installed.
            return false;
        }
    }
}
