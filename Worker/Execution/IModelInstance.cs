using InferenceTemplate.Core.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Execution;

/// <summary>Makes runs of an open model, one at a time, with the inputs and outputs of its signature.</summary>
internal interface IModelInstance : IDisposable
{
    /// <summary>
    /// Whether rows of one batch may run apart. Then what is beside a row decides the shapes that it is computed in, and so the last bits.
    /// </summary>
    bool SplitsBatches { get; }

    /// <summary>
    /// Runs requests as one batch, their rows one after the other; a model that is not batchable takes one at a time.
    /// </summary>
    /// <param name="batch">
    /// The inputs of each request, in the order of the signature; one that runs alone may bring optional ones behind them. Shapes that
    /// differ beyond the first dimension are padded with zeros.
    /// </param>
    /// <param name="outputs">Indices of the outputs wanted; null for all.</param>
    /// <param name="assembled">Called once the inputs are in the form that the runtime reads.</param>
    /// <param name="terminate">Ends the run before its next operator.</param>
    /// <returns>The outputs in the order wanted; the caller disposes them.</returns>
    /// <exception cref="OnnxRuntimeException">The model failed on this input, or the device did.</exception>
    /// <exception cref="RefusedInputException">An input is one that the model is not given; nothing has run.</exception>
    /// <exception cref="OperationCanceledException">The run was ended.</exception>
    IDisposableReadOnlyCollection<OrtValue> Run(
        IReadOnlyList<Tensor[]> batch, IReadOnlyList<int>? outputs = null, Action? assembled = null, CancellationToken terminate = default);
}

/// <summary>An input was looked at before the model got it, and is not one that it could answer; the message is for the caller.</summary>
/// <param name="requests">Those of the batch that have one, by their places in it, and why.</param>
internal sealed class RefusedInputException(IReadOnlyDictionary<int, string> requests) : Exception(requests.Values.First())
{
    public RefusedInputException(string message)
        : this(new Dictionary<int, string> { [0] = message })
    {
    }

    public IReadOnlyDictionary<int, string> Requests { get; } = requests;
}
