using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.DataRights;

/// <summary>When the data of deleted tenants go, and how many may be taken along at once.</summary>
public sealed class DataRightsOptions
{
    public const string Section = "DataRights";

    /// <summary>Time between a tenant's deletion and the erasure of its data. Default 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "90.00:00:00")]
    public TimeSpan EraseAfter { get; set; } = TimeSpan.FromDays(1);

    /// <summary>
    /// Exports at once in one replica, each of another tenant. Each holds a connection and a snapshot of the database. Default 4.
    /// </summary>
    [Range(1, 64)]
    public int MaxExports { get; set; } = 4;

    /// <summary>How long an export may take before it is broken off. Default 1 hour.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan ExportTimeout { get; set; } = TimeSpan.FromHours(1);
}
