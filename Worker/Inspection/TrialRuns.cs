using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>Runs for which no caller waits, within the time and memory that an inspection may take.</summary>
/// <param name="spent">The part of the time for this that is over: 1 is all of it.</param>
internal sealed class TrialRuns(IModelInstance instance, ModelSignature signature, Func<double> spent)
{
    public double Spent => spent();

    /// <summary>Rows of all runs so far.</summary>
    public long Rows { get; private set; }

    public long OutputBytesPerRow { get; private set; }

    /// <param name="rows">Of all requests together.</param>
    /// <param name="values">What the requests are made of, for whoever is told that they did not run.</param>
    public ProbeOutput[] Run(Tensor[][] batch, int rows, string values)
    {
        var outputs = TryRun(batch, out var failure) ?? throw (batch.Length == 1
            ? new DidNotRunException($"it did not run with {rows} rows of {values}: {failure}")
            : new NotProvenException($"requests that run alone failed together: {failure}"));
        CheckExtents(outputs, rows);
        return outputs;
    }

    /// <returns>Null where it failed.</returns>
    public ProbeOutput[]? TryRun(Tensor[][] batch, out string failure)
    {
        if (spent() >= 1)
        {
            throw new OutOfTimeException();
        }

        failure = "";
        try
        {
            using var values = instance.Run(batch);
            ProbeOutput[] outputs = [.. values.Select((v, i) => new ProbeOutput(signature.Outputs[i], v))];
            var rows = batch.Sum(b => b[0].Shape[0]);
            (Rows, OutputBytesPerRow) = (Rows + rows, outputs.Sum(o => (long)o.Bytes) / rows);
            return outputs;
        }
        catch (Exception exception) when (
            exception is OnnxRuntimeException or InvalidDataException or RefusedInputException or OversizedBatchException
            or OutOfMemoryException)
        {
            failure = RuntimeMessage.Of(exception);
            return batch.Length > 1 && RunFailures.Classify(exception) == RunFailure.Memory
                ? throw new OutOfMemoryRunException(failure)
                : null;
        }
    }

    public static void CheckExtents(ProbeOutput[] outputs, int rows)
    {
        if (Array.Find(outputs, o => o.Shape is not [var outer, ..] || outer != rows) is { } wrong)
        {
            throw new NotProvenException($"output '{wrong.Name}' has the shape {TensorShape.Format(wrong.Shape)} for {rows} rows");
        }
    }
}

/// <summary>Why it was not proven that rows are independent.</summary>
internal class NotProvenException(string message) : Exception(message);

/// <summary>The values that were tried are none that the model takes.</summary>
internal sealed class DidNotRunException(string message) : NotProvenException(message);

internal sealed class OutOfMemoryRunException(string message)
    : NotProvenException($"trying needed more memory than an inspection may use (Inspection:MemoryBytes): {message}");

internal sealed class OutOfTimeException() : NotProvenException(
    "trying took longer than an inspection may (Inspection:Timeout and Inspection:CpuSeconds)");
