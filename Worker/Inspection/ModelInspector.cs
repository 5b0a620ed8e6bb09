using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Worker.Images;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>Has a model opened by a process of its own, and survives whatever becomes of that.</summary>
internal sealed class ModelInspector(
    IOptions<InspectionOptions> options, IOptions<SignatureLimits> limits, IOptions<WorkerOptions> worker, TimeProvider time)
{
    // A signature of hundreds of tensors is some tens of KiB.
    private const int MaxReportChars = 4 << 20;
    private const int MaxComplaintChars = 16 << 10;
    private const long ManagedSpare = 256L << 20;
    private const int SignalBase = 128;
    private const int Killed = 9;
    private const int OutOfCpuTime = 24;

    /// <summary>What the model is, or why it is refused: also where the process that opened it crashed, hung or was stopped.</summary>
    /// <param name="path">An ONNX file, or a folder with all files of a model.</param>
    /// <param name="samplePath">A file with the inputs of the version's sample request; null where it has none.</param>
    public async Task<InspectionReport> InspectAsync(string path, string? samplePath, CancellationToken cancellationToken)
    {
        var report = await OpenAsync(path, samplePath, cancellationToken);
        if (report.Model is not { } model)
        {
            return report;
        }

        return limits.Value.Refusal(model.Signature) is { } refusal
            ? InspectionReport.Refused(refusal)
            : report with { Model = model with { Signature = limits.Value.WithoutWeights(model.Signature) } };
    }

    private async Task<InspectionReport> OpenAsync(string path, string? samplePath, CancellationToken cancellationToken)
    {
        using var process = Process.Start(Describe(path, samplePath))
            ?? throw new InvalidOperationException("The process for an inspection could not be started.");
        process.StandardInput.Close();
        var output = ReadAsync(process.StandardOutput, MaxReportChars);
        var complaints = ReadAsync(process.StandardError, MaxComplaintChars);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, options.Value.Timeout, Timeout.InfiniteTimeSpan);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            return Ended(await output, $"opening it took longer than {options.Value.Timeout.TotalSeconds:0} s");
        }

        return process.ExitCode == 0 ? Parse(await output) : Ended(await output, Crashed(process.ExitCode, await complaints));
    }

    private ProcessStartInfo Describe(string path, string? samplePath)
    {
        // By its own launcher where there is one, else by the one of .NET: a worker may have been started by either.
        var folder = AppContext.BaseDirectory;
        var name = typeof(ModelInspector).Assembly.GetName().Name!;
        var runtime = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        var executable = OperatingSystem.IsWindows() ? ".exe" : "";
        var launcher = Path.Combine(folder, name + executable);
        var start = new ProcessStartInfo
        {
            FileName = File.Exists(launcher) ? launcher : Path.Combine(runtime, "dotnet" + executable),
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        if (!File.Exists(launcher))
        {
            start.ArgumentList.Add(Path.Combine(folder, name + ".dll"));
        }

        start.ArgumentList.Add(InspectionChild.Verb);
        start.ArgumentList.Add(path);
        start.ArgumentList.Add(JsonSerializer.Serialize(
            options.Value.Limits with { Images = ImageLimits.Of(worker.Value) }, InspectionJson.Default.InspectionLimits));
        if (samplePath is not null)
        {
            start.ArgumentList.Add(samplePath);
        }

        SetEnvironment(start.Environment, runtime, ModelFolder.BytesOf(path));
        return start;
    }

    // Nothing of the worker's environment: there are connection strings and secrets in it.
    private static void SetEnvironment(IDictionary<string, string?> environment, string runtime, long fileBytes)
    {
        var inherited = environment.Where(e => e.Key is "LD_LIBRARY_PATH" or "LOCPATH" or "SystemRoot" or "TMPDIR" or "TEMP").ToList();
        environment.Clear();
        inherited.ForEach(environment.Add);
        environment["DOTNET_ROOT"] = runtime;
        environment["ORT_DISABLE_TELEMETRY"] = "1";

        // No diagnostic socket, no dumps, no file behind executable memory: the process may write no file at all.
        environment["DOTNET_EnableDiagnostics"] = "0";
        environment["DOTNET_DbgEnableMiniDump"] = "0";
        environment["DOTNET_EnableWriteXorExecute"] = "0";
        environment["DOTNET_gcServer"] = "0";
        environment["DOTNET_GCHeapHardLimit"] = (ManagedSpare + (2 * fileBytes)).ToString("X", CultureInfo.InvariantCulture);
    }

    // A process that could open the model, and ended over more, has said so: it is served, each request alone.
    private static InspectionReport Ended(string output, string reason) =>
        Parse(output[..(output.LastIndexOf('\n') + 1)]) is { Model: not null } report
            ? report with
            {
                Model =
                report.Model with { Batching = new(false, $"while it was tried whether rows are independent: {reason}") }
            }
            : InspectionReport.Refused(reason);

    // One line, or a second that says more.
    private static InspectionReport Parse(string output)
    {
        try
        {
            output = output.Split('\n', StringSplitOptions.RemoveEmptyEntries) is [.., var last] ? last : "";
            return JsonSerializer.Deserialize(output, InspectionJson.Default.InspectionReport) is { } report
                && (report.Model is null) != (report.Reason is null)
                ? report
                : InspectionReport.Refused("opening it ended without a result");
        }
        catch (JsonException)
        {
            return InspectionReport.Refused("opening it ended without a result that can be read");
        }
    }

    private string Crashed(int exitCode, string complaints)
    {
        if (complaints.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
            || complaints.Contains("bad_alloc", StringComparison.Ordinal))
        {
            return $"it needs more than the allowed {options.Value.MemoryBytes} bytes of memory";
        }

        return (exitCode - SignalBase) switch
        {
            OutOfCpuTime => $"opening it took more than {options.Value.CpuSeconds} s of processor time",
            Killed => "the process that opened it was killed: it took too much processor time or memory",
            > 0 and var signal => $"the process that opened it crashed (signal {signal})",
            _ => $"the process that opened it failed (exit code {exitCode})",
        };
    }

    // Reads to the end, so that the process never waits, and keeps no more than is allowed.
    private static async Task<string> ReadAsync(StreamReader reader, int maxChars)
    {
        var kept = new System.Text.StringBuilder();
        var buffer = new char[4096];
        int read;
        while ((read = await reader.ReadAsync(buffer)) > 0)
        {
            kept.Append(buffer, 0, Math.Min(read, maxChars - kept.Length));
        }

        return kept.ToString();
    }
}
