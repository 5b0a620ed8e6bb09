namespace InferenceTemplate.Worker.Pipelines;

/// <summary>A step of a pipeline failed; whose fault that is, the inner exception says.</summary>
internal sealed class StepFailedException(string step, Exception inner) : Exception($"step '{step}': {inner.Message}", inner)
{
    public string Step { get; } = step;

    public Exception Failure { get; } = inner;
}
