using System.ComponentModel;
using System.Diagnostics;

namespace InferenceTemplate.Tests.Shared;

/// <summary>Named volumes of a test's own. Where servers run as processes there are none.</summary>
public static class Volumes
{
    public static async Task RemoveAsync(params string[] names)
    {
        foreach (var runtime in (string[])["docker", "podman"])
        {
            try
            {
                using var process = Process.Start(new ProcessStartInfo(runtime, ["volume", "rm", "--force", .. names])
                {
                    UseShellExecute = false,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                })!;
                await process.WaitForExitAsync().WaitAsync(Wait.DefaultLimit);
            }
            catch (Win32Exception)
            {
                // That runtime is not installed.
            }
        }
    }
}
