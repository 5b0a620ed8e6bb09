namespace InferenceTemplate.AppHost.Lifecycle;

/// <summary>
/// How long services have to end their work: the service reads it as <c>Worker:DrainTimeout</c>, and a cluster waits longer.
/// </summary>
internal static class Shutdown
{
    /// <summary>
    /// Seconds that a worker has to finish what it runs; the rest is returned to the queue, for which it takes 5 more at most.
    /// </summary>
    public const int WorkerDrain = 25;

    /// <summary>Seconds that a call may take at most: <c>Queue:MaxTimeout</c> by default. Who raises that raises this.</summary>
    public const int LongestCall = 60;

    /// <summary>In the form of .NET's configuration.</summary>
    public static string DrainTimeout => TimeSpan.FromSeconds(WorkerDrain).ToString("c");
}
