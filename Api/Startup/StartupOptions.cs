using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Startup;

public sealed class StartupOptions
{
    public const string Section = "Startup";

    /// <summary>How long <c>Api --migrate</c> tries before it exits with code 1. Default 10 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "24:00:00")]
    public TimeSpan MigrateWithin { get; set; } = TimeSpan.FromMinutes(10);
}
