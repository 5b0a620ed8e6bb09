using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;
using OnnxRuntimeGenAIException = Microsoft.ML.OnnxRuntimeGenAI.OnnxRuntimeGenAIException;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>The first run of a model that nobody knows: on its sample request, else on whatever made-up inputs it takes.</summary>
internal static class FirstRun
{
    private const long MaxBytes = 64L << 20;
    private static readonly int[] Rows = [1, 4];

    /// <summary>Why it did not run on its sample request, or on none of the made-up inputs; null where it ran.</summary>
    /// <exception cref="ModelRefusedException">All made-up ones failed for lack of memory.</exception>
    public static string? Try(ModelSession session, Tensor[]? sample = null)
    {
        using var instance = session.CreateInstance();
        return sample is null
            ? Try(session, instance)
            : Failure(instance, sample) is { } failed ? RuntimeMessage.Of(failed) : null;
    }

    private static string? Try(ModelSession session, IModelInstance instance)
    {
        var failure = "no input is small enough to be made up";
        var (memory, others) = (0, 0);
        foreach (var style in InputStyle.All(session.Signature))
        {
            var inputs = new MadeUpInputs(session.Signature, style, session.ElementsOf);
            foreach (var rows in Rows.Where(r => inputs.Size(r) <= MaxBytes))
            {
                if (Failure(instance, inputs.Make(rows, seed: 1)) is not { } failed)
                {
                    return null;
                }

                failure = RuntimeMessage.Of(failed);
                _ = RunFailures.Classify(failed) == RunFailure.Memory ? memory++ : others++;
            }
        }

        return memory > 0 && others == 0 ? throw new ModelRefusedException($"it needs more memory than is allowed: {failure}") : failure;
    }

    /// <summary>Why it did not run on these inputs; null where it ran.</summary>
    public static Exception? Failure(IModelInstance instance, Tensor[] inputs)
    {
        try
        {
            instance.Run([inputs]).Dispose();
            return null;
        }
        catch (Exception exception) when (
            exception is OnnxRuntimeException or OnnxRuntimeGenAIException or InvalidDataException or RefusedInputException
                or OversizedBatchException or OutOfMemoryException)
        {
            return exception;
        }
    }
}
