using System.Text.Json;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// The worker's program in its other mode, <c>inspect FILE LIMITS</c>: opens one model within limits, prints one line
/// about it and ends. It has no configuration, no secrets and no connections; it may die of the file, and only it.
/// </summary>
internal static class InspectionChild
{
    public const string Verb = "inspect";

    public static int Run(string path, string limitsJson)
    {
        TelemetryGuard.Check(new ConfigurationManager());
        var limits = JsonSerializer.Deserialize(limitsJson, InspectionJson.Default.InspectionLimits)!;
        ProcessLimits.Apply(limits);
        Console.Out.WriteLine(JsonSerializer.Serialize(Inspect(path, limits), InspectionJson.Default.InspectionReport));
        return 0;
    }

    /// <summary>Scans a model, opens it and runs it once on zeros, in this process.</summary>
    public static InspectionReport Inspect(string path, InspectionLimits limits)
    {
        try
        {
            var metadata = OnnxScanner.Scan(path, limits);
            var device = new ExecutionDevice(Options.Create(new WorkerOptions { Device = "cpu" }), NullLogger<ExecutionDevice>.Instance);
            var before = ProcessLimits.ResidentBytes;
            using var session = ModelSession.Open(new ModelFile("inspected", "1", path), device);
            session.WarmUp();
            var memory = Math.Max(ProcessLimits.ResidentBytes - before, session.SizeBytes);
            return new InspectionReport(new InspectedModel(session.Signature, metadata, memory), null);
        }
        catch (ModelRefusedException exception)
        {
            return InspectionReport.Refused(exception.Message);
        }
        catch (OnnxRuntimeException exception) when (exception.Message.Contains("TensorElementType", StringComparison.Ordinal))
        {
            // What the C# binding has no type for: floats and integers of 8 or 4 bits.
            return InspectionReport.Refused("Inputs or outputs of its element types (such as FLOAT8E4M3FN or INT4) are not supported.");
        }
        catch (OnnxRuntimeException exception)
        {
            return InspectionReport.Refused($"ONNX Runtime can't open or run it: {exception.Message.Replace('\0', ' ')}");
        }
        catch (Exception exception) when (exception is NotSupportedException or ArgumentException or OverflowException)
        {
            return InspectionReport.Refused(exception.Message);
        }
        catch (OutOfMemoryException)
        {
            return InspectionReport.Refused($"it needs more than the allowed {limits.MemoryBytes} bytes of memory");
        }
    }
}
