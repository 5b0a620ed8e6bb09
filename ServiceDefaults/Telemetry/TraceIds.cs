using System.Diagnostics;

namespace InferenceTemplate.ServiceDefaults.Telemetry;

/// <summary>
/// Gives requests, and lines of batches, a trace id, the caller's where it sent one, without making spans: only what travels on is kept,
/// no tags. For services that have no collector.
/// </summary>
public static class TraceIds
{
    /// <summary>The source whose spans stand for requests that come from no connection.</summary>
    public const string Batches = "InferenceTemplate.Batches";

    private static readonly ActivityListener Listener = new()
    {
        ShouldListenTo = static source => source.Name is "Microsoft.AspNetCore" or Batches,
        Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.PropagationData,
    };

    /// <summary>Calling it again changes nothing.</summary>
    internal static void Listen() => ActivitySource.AddActivityListener(Listener);
}
