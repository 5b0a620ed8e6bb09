using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Core.Direct;

/// <summary>The direct connections between Api replicas and workers, the same for both.</summary>
public sealed class DirectOptions
{
    public const string Section = "Direct";

    /// <summary>Whether calls go straight to workers that have their model open; off, all go through Redis. Default true.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>What both ends prove to know, 32 characters or more; without it all calls go through Redis. The AppHost sets it.</summary>
    [RegularExpression("^$|^.{32,}$", ErrorMessage = "Direct:Secret must have 32 characters or more.")]
    public string Secret { get; set; } = "";

    /// <summary>Where replicas reach this worker; empty for the first address of its machine. Default empty.</summary>
    public string Host { get; set; } = "";

    /// <summary>Port on which a worker listens; 0 for any that is free. Default 0.</summary>
    [Range(0, 65_535)]
    public int Port { get; set; }

    /// <summary>
    /// How often a replica asks each worker whether it is there; after three questions without a word its calls are sent again. Default 1
    /// s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:00:30")]
    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromSeconds(1);

    public bool IsOn => Enabled && Secret.Length > 0;
}
