namespace InferenceTemplate.Worker.Execution;

/// <summary>
/// ONNX Runtime 1.29 and later sends usage data to its vendor unless <c>ORT_DISABLE_TELEMETRY=1</c> stands in the
/// process's environment before the native library loads. Setting it from managed code is too late for that library, so
/// a worker that was started without it does not start at all.
/// </summary>
internal static class TelemetryGuard
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";

    /// <exception cref="InvalidOperationException">The variable is not set, and sending was not allowed.</exception>
    public static void Check(IConfiguration configuration)
    {
        if (Environment.GetEnvironmentVariable(Variable) != "1" && !configuration.GetValue<bool>("Worker:AllowOnnxRuntimeTelemetry"))
        {
            throw new InvalidOperationException(
                $"{Variable}=1 is not in the worker's environment, so ONNX Runtime would send usage data to its vendor. "
                + "Set it where the worker is started, or set Worker:AllowOnnxRuntimeTelemetry to true.");
        }
    }
}
