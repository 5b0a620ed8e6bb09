using System.Diagnostics;

namespace InferenceTemplate.ServiceDefaults.Telemetry;

/// <summary>
/// Gives requests a trace id, the caller's where it sent one, without making spans: only what travels on is kept, no tags. For
/// services that have no collector.
/// </summary>
internal static class TraceIds
{
    private static readonly ActivityListener Listener = new()
    {
        ShouldListenTo = static source => source.Name == "Microsoft.AspNetCore",
        Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.PropagationData,
    };

    /// <summary>Calling it again changes nothing.</summary>
    public static void Listen() => ActivitySource.AddActivityListener(Listener);
}
