using System.Diagnostics;

namespace InferenceTemplate.Bench;

/// <summary>Starts this program again with ONNX Runtime's telemetry off (docs/adr/0006-onnx-runtime-telemetry.md).</summary>
internal static class Restart
{
    public static async Task<int> WithoutTelemetryAsync(string[] args)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, args);
        start.Environment["ORT_DISABLE_TELEMETRY"] = "1";
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }
}
