using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Execution;
using Microsoft.Extensions.Options;
using Microsoft.ML.OnnxRuntime;
using OnnxRuntimeGenAIException = Microsoft.ML.OnnxRuntimeGenAI.OnnxRuntimeGenAIException;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>
/// Runs a fresh session on its sample request, alone and in the largest batch, so that no request pays for choosing kernels and growing
/// arenas. Where there is none, on zeros; dimensions that the model leaves open, but for the batch, are one.
/// </summary>
internal sealed partial class ModelWarmUp(IOptions<ModelCacheOptions> options, TimeProvider time, ILogger<ModelWarmUp> logger)
{
    // Wide inputs in large batches: what they would allocate is not worth a faster first request.
    private const long MaxBytes = 64L << 20;

    /// <param name="sample">The inputs of its sample request; null where it has none.</param>
    public void Run(ModelSession session, int largestBatch, Tensor[]? sample)
    {
        using var instance = session.CreateInstance();
        var signature = session.Signature;

        // Zeros may be what a loop of the model never ends on, and nobody waits for the answer who would leave.
        using var limit = new CancellationTokenSource(options.Value.WarmUpTime, time);

        // A sample of generated text may take as long as any answer.
        sample = session.Generates ? session.Example : sample ?? session.Example;
        foreach (var rows in signature.IsBatchable && largestBatch > 1 ? (int[])[1, largestBatch] : [1])
        {
            if (Batch(signature, rows, sample) is not { } batch)
            {
                return;
            }

            try
            {
                instance.Run(batch, terminate: limit.Token).Dispose();
            }
            catch (OperationCanceledException)
            {
                LogCold(
                    session.File.Model, session.File.Version, rows, sample is null ? "zeros" : "its sample request",
                    $"it took longer than Worker:WarmUpTime ({options.Value.WarmUpTime.TotalSeconds:0.###} s)");
                return;
            }
            catch (Exception exception) when (
                exception is OnnxRuntimeException or OnnxRuntimeGenAIException or RefusedInputException or OversizedBatchException)
            {
                // Zeros, a dimension of one, or images beyond the limits may be nothing that is taken: no reason not to serve it.
                LogCold(session.File.Model, session.File.Version, rows, sample is null ? "zeros" : "its sample request", exception.Message);
                return;
            }
        }
    }

    // As many rows, or what comes nearest of a sample that has several; null where that is too much.
    private static Tensor[][]? Batch(ModelSignature signature, int rows, Tensor[]? sample)
    {
        if (sample is not null)
        {
            // Optional inputs are those of a whole run.
            var requests = rows == 1 ? 1 : Math.Max(1, rows / Math.Max(1, signature.RowsOf(sample) ?? 1));
            var shared = requests == 1 ? sample : sample[..signature.Inputs.Length];
            return requests * shared.Sum(i => (long)i.Data.Length) > MaxBytes ? null : [.. Enumerable.Repeat(shared, requests)];
        }

        return signature.Inputs.Sum(input => ZeroInput.BytesOf(input, rows)) > MaxBytes
            ? null
            : [[.. signature.Inputs.Select(input => ZeroInput.Of(input, rows))]];
    }

    [LoggerMessage(
        LogLevel.Warning,
        "{Model}/{Version} could not be warmed up with {Rows} rows of {Values}; its first requests may be slower: {Reason}")]
    private partial void LogCold(string model, string version, int rows, string values, string reason);
}
