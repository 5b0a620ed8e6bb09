using InferenceTemplate.Worker.Images;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>What a model may be, and what opening it may cost.</summary>
/// <param name="Domains">Operator domains that are allowed; <c>ai.onnx</c> is the default one.</param>
/// <param name="MaxNodes">In all graphs and functions together.</param>
/// <param name="MemoryBytes">Address space beyond what the process has at its start.</param>
/// <param name="CpuSeconds">Of all threads together.</param>
/// <param name="LargestBatch">Rows of the largest batch in which it is tried whether rows are independent.</param>
/// <param name="ProofSeconds">After which that is not tried any further.</param>
/// <param name="ProofCpuSeconds">The same, of all threads together.</param>
internal sealed record InspectionLimits(
    string[] Domains, int MaxNodes, long MemoryBytes, int CpuSeconds, int LargestBatch = 64, double ProofSeconds = 30,
    double ProofCpuSeconds = 30)
{
    /// <summary>
    /// Of the sets of <see cref="EmptyTrials"/> the first that is tried, where a process before has ended over the one before it, and has
    /// told the rest; null for a whole inspection.
    /// </summary>
    public int? EmptyFrom { get; init; }

    /// <summary>Whether it came with the program: the process may take what it needs, and only opens and runs it.</summary>
    public bool IsTrusted { get; init; }

    /// <summary>What images of a sample request may be.</summary>
    public ImageLimits Images { get; init; } = ImageLimits.Of(new WorkerOptions());
}
