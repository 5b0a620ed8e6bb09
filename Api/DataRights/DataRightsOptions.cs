using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.DataRights;

/// <summary>When the data of deleted tenants go.</summary>
public sealed class DataRightsOptions
{
    public const string Section = "DataRights";

    /// <summary>Time between a tenant's deletion and the erasure of its data. Default 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "90.00:00:00")]
    public TimeSpan EraseAfter { get; set; } = TimeSpan.FromDays(1);
}
