namespace InferenceTemplate.Tests.Worker.Direct;

/// <summary>How requests come to a worker: what is promised for one is promised for both.</summary>
public enum Way
{
    Queue,
    Direct,
}
