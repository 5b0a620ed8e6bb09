using System.Diagnostics;

namespace InferenceTemplate.Bench;

/// <summary>
/// Starts this program again in the environment that it needs: ONNX Runtime's telemetry off
/// (docs/adr/0012-telemetry.md), and no spinning threads in the load generator, which would take the servers' cores.
/// </summary>
internal static class Restart
{
    public const string SpinLimit = "DOTNET_ThreadPool_UnfairSemaphoreSpinLimit";

    public static async Task<int> InOwnEnvironmentAsync(string[] args)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, args);
        start.Environment["ORT_DISABLE_TELEMETRY"] = "1";
        start.Environment[SpinLimit] = "0";
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
