using Microsoft.ML.OnnxRuntime.Native;

namespace Microsoft.ML.OnnxRuntime;

/// <summary>Runs on the session's own threads.</summary>
public sealed unsafe partial class InferenceSession
{
    /// <summary>Runs the model on a thread of the session, which must have more than one (<see cref="SessionOptions.IntraOpNumThreads"/>).</summary>
    /// <param name="options">Null means the defaults.</param>
    /// <param name="inputNames">Of the values that follow, in any order.</param>
    /// <param name="inputValues">One for each name. They, the session and the options may be disposed of before the run is over.</param>
    /// <param name="outputNames">The outputs wanted.</param>
    /// <param name="outputValues">Tensors of the outputs' type and shape, one for each name.</param>
    /// <returns><paramref name="outputValues"/>, once they are filled.</returns>
    /// <exception cref="OnnxRuntimeException">As for a run; also that the session has no threads of its own.</exception>
    public Task<IReadOnlyCollection<OrtValue>> RunAsync(
        RunOptions? options, IReadOnlyCollection<string> inputNames, IReadOnlyCollection<OrtValue> inputValues,
        IReadOnlyCollection<string> outputNames, IReadOnlyCollection<OrtValue> outputValues)
    {
        SameCount(inputNames, nameof(inputNames), inputValues, nameof(inputValues));
        SameCount(outputNames, nameof(outputNames), outputValues, nameof(outputValues));
        return AsyncRun.StartAsync(
            Handle, options, Handle.InputNames(inputNames), inputValues, Handle.OutputNames(outputNames), outputValues);
    }
}
