using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>The first run of a model that nobody knows: on whatever made-up inputs it takes.</summary>
internal static class FirstRun
{
    private const long MaxBytes = 64L << 20;
    private static readonly int[] Rows = [1, 4];

    /// <summary>Why it ran on none of them; null where it ran.</summary>
    /// <exception cref="ModelRefusedException">All of them failed for lack of memory.</exception>
    public static string? Try(ModelSession session)
    {
        var failure = "no input is small enough to be made up";
        var (memory, others) = (0, 0);
        using var instance = session.CreateInstance();
        foreach (var style in InputStyle.All(session.Signature))
        {
            var inputs = new MadeUpInputs(session.Signature, style);
            foreach (var rows in Rows.Where(r => inputs.Size(r) <= MaxBytes))
            {
                try
                {
                    instance.Run([inputs.Make(rows, seed: 1)]).Dispose();
                    return null;
                }
                catch (Exception exception) when (exception is OnnxRuntimeException or InvalidDataException or OutOfMemoryException)
                {
                    failure = RuntimeMessage.Of(exception);
                    _ = RunFailures.Classify(exception) == RunFailure.Memory ? memory++ : others++;
                }
            }
        }

        return memory > 0 && others == 0 ? throw new ModelRefusedException($"it needs more memory than is allowed: {failure}") : failure;
    }
}
