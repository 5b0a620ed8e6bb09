using System.Diagnostics;
using System.Text.Json;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data.Catalog;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Preprocessing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using OnnxRuntimeGenAIException = Microsoft.ML.OnnxRuntimeGenAI.OnnxRuntimeGenAIException;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// The worker's program in its other mode, <c>inspect PATH LIMITS [SAMPLE]</c>: opens one model within limits, prints what it finds
/// line by line (<see cref="InspectionOutput"/>) and ends. It has no configuration, no secrets and no connections; it may die of the file,
/// and only it.
/// </summary>
internal static class InspectionChild
{
    public const string Verb = "inspect";

    // Of the time for trying, what is over when this begins included.
    private const double ShareForEmpty = 1.2;
    private const double ShareForValues = 1.25;

    // Of integers, perhaps: the graph's names of operators do not tell.
    private static readonly string[] Divisions = ["Div", "Mod"];

    // More than a worker gives it: this process yields to others.
    private static readonly TimeSpan TimeForTemplate = TimeSpan.FromSeconds(10);

    /// <param name="path">An ONNX file, or a folder with all files of a model.</param>
    /// <param name="samplePath">A file with the inputs of the version's sample request; null where it has none.</param>
    public static int Run(string path, string limitsJson, string? samplePath)
    {
        Tell(InspectionOutput.Started);
        TelemetryGuard.Check(new ConfigurationManager());
        var limits = JsonSerializer.Deserialize(limitsJson, InspectionJson.Default.InspectionLimits)!;
        var sample = samplePath is null ? null : InspectionJson.ReadSample(samplePath);
        ProcessLimits.Apply(limits);
        Inspect(
            path, limits, sample, prove: !limits.IsTrusted,
            report => Tell(JsonSerializer.Serialize(report, InspectionJson.Default.InspectionReport)));
        GenerationModel.ShutDown();
        return 0;
    }

    private static void Tell(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    /// <summary>
    /// Scans a model, opens it and runs it on made-up inputs, in this process, without trying whether its rows are independent.
    /// </summary>
    public static InspectionReport Inspect(string path, InspectionLimits limits)
    {
        InspectionReport? last = null;
        Inspect(path, limits, sample: null, prove: false, report => last = report);
        return last!;
    }

    // What is known is told before more is tried: the process may die of that, or be ended for the time it takes.
    private static void Inspect(string path, InspectionLimits limits, Tensor[]? sample, bool prove, Action<InspectionReport> tell)
    {
        var start = Stopwatch.GetTimestamp();
        var report = Open(path, limits, sample, out var session, out var operators);
        using (session)
        {
            if (session is null || report.Model is not { } model || !prove)
            {
                tell(report);
                return;
            }

            double Spent() => Math.Max(
                Stopwatch.GetElapsedTime(start).TotalSeconds / limits.ProofSeconds,
                Environment.CpuUsage.TotalTime.TotalSeconds / limits.ProofCpuSeconds);
            if (limits.EmptyFrom is null)
            {
                Prove(report, model, session, limits, sample, operators, Spent, tell);
            }

            if (!session.Generates)
            {
                var trials = new EmptyTrials(session, report.SampleHasRun ? sample : null, () => Spent() / ShareForEmpty);
                TryEmpty(trials, limits.EmptyFrom);
                if (operators.Overlaps(Divisions))
                {
                    var values = new ValueTrials(
                        session, report.SampleHasRun ? sample : null, operators.Contains("Cast"), () => Spent() / ShareForValues);
                    values.Run(trial => Tell(InspectionOutput.Tries(trial)));
                }
            }
        }
    }

    private static void Prove(
        InspectionReport report, InspectedModel model, ModelSession session, InspectionLimits limits, Tensor[]? sample,
        IReadOnlySet<string> operators, Func<double> spent, Action<InspectionReport> tell)
    {
        if (model.Batching is not null)
        {
            tell(report);
            return;
        }

        var unproven = model with { Batching = new BatchProof(false, "trying ended the process that tried") };
        tell(report with { Model = unproven, IsProving = true });
        using var instance = session.CreateInstance();
        var prover = new BatchProver(instance, session.Signature, limits.LargestBatch, sample, session.ElementsOf, spent);
        tell(report with { Model = model with { Batching = prover.Prove(operators) } });
    }

    private static void TryEmpty(EmptyTrials trials, int? from)
    {
        if (from is null && trials.OfSample() is { Count: > 0 } ran)
        {
            Tell(InspectionOutput.HasRun(ran));
        }

        var sets = trials.Sets();
        for (var i = from ?? 0; i < sets.Count; i++)
        {
            Tell(InspectionOutput.Tries(i));
            if (trials.Try(sets[i]) is { } empty)
            {
                Tell(InspectionOutput.HasRun(empty));
            }
        }
    }

    private static InspectionReport Open(
        string path, InspectionLimits limits, Tensor[]? sample, out ModelSession? session, out IReadOnlySet<string> operators)
    {
        session = null;
        operators = new HashSet<string>();
        try
        {
            var isFolder = Directory.Exists(path);
            var file = isFolder ? ModelFolder.FindModel(path) : path;
            var external = isFolder ? ExternalFiles.Beside(file) : ExternalFiles.None();
            var scanned = OnnxScanner.Scan(file, limits, external);
            operators = scanned.Operators;
            var device = new ExecutionDevice(Options.Create(new WorkerOptions { Device = "cpu" }), NullLogger<ExecutionDevice>.Instance);
            var before = ProcessLimits.ResidentBytes;
            var model = new ModelFile("inspected", "1", file);
            ModelSignature signature;
            string? failure;
            var metadata = scanned.Metadata;
            if (isFolder && GenerationConfig.Beside(file) is { } generates)
            {
                var generation = GenerationModel.Open(generates, threads: 1, maxTokens: int.MaxValue, TimeForTemplate);
                session = ModelSession.Over(model, generation);
                signature = scanned.WithRanks(session.Signature);
                if (FirstRun.Try(session, session.Example) is { } refusal)
                {
                    throw new ModelRefusedException($"it did not generate a token: {refusal}");
                }

                // That it has no template is no fault; one that ends the process or never ends is found here, and not by a worker.
                TemplateTrials.Try(generation);
                _ = FirstRun.Try(session, GenerationInstance.ChatExample);
                failure = sample is null ? null : FirstRun.Try(session, sample);
            }
            else
            {
                var preprocessor = isFolder ? Preprocessors.Beside(file, limits.Images) : null;
                session = ModelSession.Open(model, device, preprocessor);
                preprocessor?.Try(session);
                signature = scanned.WithRanks(session.Signature);
                metadata = ImageInput.Added(metadata, preprocessor?.ImageInputOf(signature));
                if (external.Has(ClassLabels.FileName))
                {
                    metadata = ClassLabelsFile.Added(metadata, ClassLabelsFile.Read(file)!, signature);
                }

                failure = FirstRun.Try(session, sample);
            }

            var memory = Math.Max(ProcessLimits.ResidentBytes - before, new FileInfo(file).Length + external.UsedBytes);
            var unproven = session.Generates ? new BatchProof(false, "it generates text, each answer by itself")
                : failure is null ? null
                : new BatchProof(false, $"it did not run on {(sample is null ? "made-up inputs" : "its sample request")}: {failure}");
            return new InspectionReport(
                new InspectedModel(signature with { EmptyTried = [] }, metadata, memory, unproven),
                Reason: null,
                SampleHasRun: sample is not null && failure is null);
        }
        catch (ModelRefusedException exception)
        {
            return InspectionReport.Refused(exception.Message);
        }
        catch (OnnxRuntimeException exception)
        {
            return InspectionReport.Refused(OpenFailure.Of(exception));
        }
        catch (OnnxRuntimeGenAIException exception)
        {
            return InspectionReport.Refused($"ONNX Runtime GenAI can't open it: {RuntimeMessage.Of(exception)}");
        }
        catch (Exception exception) when (
            exception is NotSupportedException or ArgumentException or OverflowException or InvalidDataException)
        {
            return InspectionReport.Refused(exception.Message);
        }
        catch (OutOfMemoryException)
        {
            return InspectionReport.Refused($"it needs more than the allowed {limits.MemoryBytes} bytes of memory");
        }
    }
}
