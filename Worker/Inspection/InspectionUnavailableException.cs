namespace InferenceTemplate.Worker.Inspection;

/// <summary>
/// A version could not be inspected here and now: the disk of this worker is full, or it can start no process. It says nothing of the
/// model.
/// </summary>
internal sealed class InspectionUnavailableException : Exception
{
    public InspectionUnavailableException(string message)
        : base(message)
    {
    }

    public InspectionUnavailableException(string message, Exception inner)
        : base($"{message}: {inner.Message}", inner)
    {
    }
}
