using Microsoft.ML.OnnxRuntime;

namespace InferenceTemplate.Worker.Execution;

/// <summary>Outputs that do not come from one run as they are; disposed together.</summary>
internal sealed class RunValues : List<OrtValue>, IDisposableReadOnlyCollection<OrtValue>
{
    public void Dispose() => ForEach(value => value.Dispose());
}
