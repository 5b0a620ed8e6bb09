namespace InferenceTemplate.AppHost;

/// <summary>How long services have to end their work: the services, the host and the cluster must agree, each outliving the one before.</summary>
internal static class Shutdown
{
    /// <summary>What a worker runs has so long to finish; then it is handed back, for which the worker takes 5 seconds at most.</summary>
    private const int DrainSeconds = 25;

    /// <summary>Until a cluster kills a pod that it has told to stop. A .NET host gives up by itself after 30 seconds, a worker 5 after its drain.</summary>
    public const int KillAfterSeconds = DrainSeconds + 20;

    /// <summary>In the form of .NET's configuration.</summary>
    public static string DrainTimeout => $"{TimeSpan.FromSeconds(DrainSeconds):c}";
}
