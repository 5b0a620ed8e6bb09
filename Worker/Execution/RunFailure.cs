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

internal static class RunFailures
{
    // ONNX Runtime has one code for whatever an operator throws; only the words tell an input that does not fit from a
    // device that is lost. An unknown text is taken for the input's fault, so that it is answered rather than tried again.
    private static readonly string[] OfMemory =
        ["failed to allocate memory", "out of memory", "bad_alloc", "outofmemory", "available memory of", "cublas_status_alloc_failed"];

    private static readonly string[] OfDevice =
        ["cuda error", "cuda failure", "cudnn failure", "cublas failure", "cudnn_status", "cublas_status", "[errorcode:engineerror]"];

    public static RunFailure Classify(Exception exception) => exception switch
    {
        StepFailedException step => Classify(step.Failure),
        OutOfMemoryException or OversizedBatchException => RunFailure.Memory,
        OnnxRuntimeException or OnnxRuntimeGenAIException when Mentions(exception, OfMemory) => RunFailure.Memory,
        OnnxRuntimeException or OnnxRuntimeGenAIException when Mentions(exception, OfDevice) => RunFailure.Device,
        OnnxRuntimeException or OnnxRuntimeGenAIException or InvalidDataException or RefusedInputException => RunFailure.Input,
        _ => RunFailure.Device,
    };

    private static bool Mentions(Exception exception, string[] phrases) =>
        Array.Exists(phrases, p => exception.Message.Contains(p, StringComparison.OrdinalIgnoreCase));
}
