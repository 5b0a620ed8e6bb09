using System.Text.RegularExpressions;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Pipelines;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace InferenceTemplate.Worker.Execution;

/// <summary>Whose fault a failed run is, and so what becomes of its requests.</summary>
internal enum RunFailure
{
    /// <summary>The model refuses the input or fails on it: the caller is told.</summary>
    Input,

    /// <summary>There was no memory for the run: a smaller batch may pass, or another worker.</summary>
    Memory,

    /// <summary>The device, or the code around the model: the request may pass elsewhere or later.</summary>
    Device,
}

internal static partial class RunFailures
{
    // ONNX Runtime has one code for whatever an operator throws; only the words tell an input that does not fit from a
    // device that is lost. An unknown text is taken for the input's fault, so that it is answered rather than tried again.
    private static readonly string[] OfMemory =
        ["failed to allocate memory", "out of memory", "bad_alloc", "outofmemory", "available memory of", "cublas_status_alloc_failed",
            "cudnn_status_alloc_failed"];

    private static readonly string[] OfDevice =
    [
        "cuda error", "cuda failure", "cudnn failure", "cudnn_fe failure", "cublas failure", "cudnn_status", "cublas_status",
        "[errorcode:engineerror]",
    ];

    public static RunFailure Classify(Exception exception) => exception switch
    {
        StepFailedException step => Classify(step.Failure),
        OutOfMemoryException or OversizedBatchException => RunFailure.Memory,
        OnnxRuntimeException or OnnxRuntimeGenAIException => OfRuntime(exception.Message),
        InvalidDataException or RefusedInputException => RunFailure.Input,
        _ => RunFailure.Device,
    };

    /// <summary>The same, of what ONNX Runtime says.</summary>
    public static RunFailure OfRuntime(string message) =>
        Mentions(message, OfMemory) ? RunFailure.Memory
        : Mentions(message, OfDevice) || OfLibrary().IsMatch(message) ? RunFailure.Device
        : RunFailure.Input;

    private static bool Mentions(string message, string[] phrases) =>
        Array.Exists(phrases, p => message.Contains(p, StringComparison.OrdinalIgnoreCase));

    // How a call of any library of the device that failed is worded, cuDNN's frontend, cuFFT and cuRAND too.
    [GeneratedRegex(@"\w+ failure -?[0-9]+: .* ; GPU=-?[0-9]+ ;", RegexOptions.Singleline, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex OfLibrary();
}
