using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.ServiceDefaults.Health;

/// <summary>How a service leaves.</summary>
public sealed class ShutdownOptions
{
    public const string Section = "Shutdown";

    /// <summary>
    /// How long a service that is told to stop goes on serving while <c>/health</c> is 503, so that load balancers notice before
    /// it takes no more connections. Default 0.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan Delay { get; set; } = TimeSpan.Zero;
}
