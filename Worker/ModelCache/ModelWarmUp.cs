using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.ModelCache;

/// <summary>
/// Runs a fresh session on zeros, alone and in the largest batch, so that no request pays for choosing kernels and growing arenas.
/// Dimensions that the model leaves open, but for the batch, are one.
/// </summary>
internal sealed partial class ModelWarmUp(ILogger<ModelWarmUp> logger)
{
    // Wide inputs in large batches: what they would allocate is not worth a faster first request.
    private const long MaxBytes = 64L << 20;

    public void Run(ModelSession session, int largestBatch)
    {
        using var instance = session.CreateInstance();
        foreach (var rows in session.Signature.IsBatchable && largestBatch > 1 ? (int[])[1, largestBatch] : [1])
        {
            var shapes = session.Signature.Inputs.Select(input => Shape(input, rows)).ToList();
            if (shapes.Zip(session.Signature.Inputs).Sum(p => TensorShape.ElementCount(p.First) * ElementSize(p.Second)) > MaxBytes)
            {
                return;
            }

            try
            {
                Tensor[] zeros = [.. session.Signature.Inputs.Zip(shapes, (input, shape) => new Tensor(
                    input.Name, input.Datatype, shape, new byte[TensorShape.ElementCount(shape) * ElementSize(input)]))];
                instance.Run([zeros]).Dispose();
            }
            catch (OnnxRuntimeException exception)
            {
                // Zeros, or a dimension of one, may be nothing that this model takes: no reason not to serve it.
                LogCold(session.File.Model, session.File.Version, rows, exception.Message);
                return;
            }
        }
    }

    private static long[] Shape(TensorSignature input, int rows) =>
        [.. input.Shape.Select((d, i) => d != TensorShape.Variable ? d : i == 0 ? rows : 1)];

    // An empty string is four bytes of length.
    private static int ElementSize(TensorSignature input) => input.Datatype == Datatype.Bytes ? sizeof(uint) : input.Datatype.Size();

    [LoggerMessage(
        LogLevel.Warning, "{Model}/{Version} could not be warmed up with {Rows} rows of zeros; its first requests may be slower: {Reason}")]
    private partial void LogCold(string model, string version, int rows, string reason);
}
