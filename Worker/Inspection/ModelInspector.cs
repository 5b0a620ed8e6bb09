using System.ComponentModel;
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
    private const int BadArithmetic = 8;
    private const int Killed = 9;
    private const int OutOfCpuTime = 24;

    // Of Inspection:Timeout, for what has no other limit.
    private const int TimesForTrusted = 5;

    /// <summary>What the model is, or why it is refused: also where the process that opened it crashed, hung or was stopped.</summary>
    /// <param name="path">An ONNX file, or a folder with all files of a model.</param>
    /// <param name="samplePath">A file with the inputs of the version's sample request; null where it has none.</param>
    /// <exception cref="InspectionUnavailableException">No process could be started for it.</exception>
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

    /// <summary>
    /// The same for one that is trusted as the program is, and refused for nothing that it takes but five times as long: it is not tried
    /// whether its rows are independent.
    /// </summary>
    public async Task<InspectionReport> InspectTrustedAsync(string path, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, TimesForTrusted * options.Value.Timeout, Timeout.InfiniteTimeSpan);
        var (told, ended, _) = await RunAsync(path, samplePath: null, emptyFrom: null, limit.Token, cancellationToken, isTrusted: true);
        return told.Report is { } report && ended is null
            ? report
            : InspectionReport.Refused(ended ?? "opening it ended without a result that can be read");
    }

    private async Task<InspectionReport> OpenAsync(string path, string? samplePath, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, options.Value.Timeout, Timeout.InfiniteTimeSpan);
        var (told, ended, signal) = await RunAsync(path, samplePath, emptyFrom: null, limit.Token, cancellationToken);
        if (told.Report is not { Model: { } model } report)
        {
            return told.Report is { } refused && ended is null
                ? refused
                : InspectionReport.Refused(ended ?? "opening it ended without a result that can be read");
        }

        // A process that could open the model, and ended over more, has said so: it is served, each request alone.
        if (report.IsProving && ended is not null)
        {
            model = model with { Batching = new(false, $"while it was tried whether rows are independent: {ended}") };
        }

        // What ends a process ends no other trial but its own.
        List<EmptyExtent[]> tried = [.. told.HaveRun];
        for (int? from = told.LastTried + 1 ?? 0;
            ended is not null && told.LastValues == ValueTrial.None && !limit.IsCancellationRequested && from is { } next;)
        {
            (told, ended, signal) = await RunAsync(path, samplePath, next, limit.Token, cancellationToken);
            tried.AddRange(told.HaveRun);
            from = told.LastTried + 1;
        }

        var divides = signal == BadArithmetic ? told.LastValues : ValueTrial.None;
        return divides == ValueTrial.Others
            ? InspectionReport.Refused(
                "a division of integers ends the process that runs it, by -1 or of a float that no integer holds: keep the divisors of its "
                + "Div and Mod above 0, as by Max, or divide floats")
            : report with
            {
                Model = model with
                {
                    Signature = model.Signature with { EmptyTried = [.. tried], EndsOnSmallest = divides == ValueTrial.Smallest },
                },
            };
    }

    /// <returns>What a process has told, and why it ended early, null where it did not; and the signal that ended it, if any.</returns>
    private async Task<(InspectionOutput Told, string? Ended, int Signal)> RunAsync(
        string path, string? samplePath, int? emptyFrom, CancellationToken limit, CancellationToken cancellationToken,
        bool isTrusted = false)
    {
        using var process = Start(Describe(path, samplePath, emptyFrom, isTrusted));
        process.StandardInput.Close();
        var output = ReadAsync(process.StandardOutput, MaxReportChars);
        var complaints = ReadAsync(process.StandardError, MaxComplaintChars);
        try
        {
            await process.WaitForExitAsync(limit);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            var seconds = options.Value.Timeout.TotalSeconds * (isTrusted ? TimesForTrusted : 1);
            return (InspectionOutput.Read(await output), $"opening it took longer than {seconds:0} s", Killed);
        }

        var told = InspectionOutput.Read(await output);
        var ended = process.ExitCode == 0 ? null : Crashed(process.ExitCode, await complaints);
        return told.HasStarted
            ? (told, ended, process.ExitCode - SignalBase)
            : throw new InspectionUnavailableException(
                $"the process for an inspection ended before it came to the model: {ended ?? "without a word"}");
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start) ?? throw new InvalidOperationException("nothing was started");
        }
        catch (Exception exception) when (exception is Win32Exception or InvalidOperationException or IOException)
        {
            throw new InspectionUnavailableException("the process for an inspection can't be started", exception);
        }
    }

    private ProcessStartInfo Describe(string path, string? samplePath, int? emptyFrom, bool isTrusted)
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
            options.Value.Limits with { Images = ImageLimits.Of(worker.Value), EmptyFrom = emptyFrom, IsTrusted = isTrusted },
            InspectionJson.Default.InspectionLimits));
        if (samplePath is not null)
        {
            start.ArgumentList.Add(samplePath);
        }

        SetEnvironment(start.Environment, runtime, isTrusted ? null : ManagedSpare + (2 * ModelFolder.BytesOf(path)));
        return start;
    }

    // Nothing of the worker's environment: there are connection strings and secrets in it.
    private static void SetEnvironment(IDictionary<string, string?> environment, string runtime, long? managedBytes)
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
        if (managedBytes is { } bytes)
        {
            environment["DOTNET_GCHeapHardLimit"] = bytes.ToString("X", CultureInfo.InvariantCulture);
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
