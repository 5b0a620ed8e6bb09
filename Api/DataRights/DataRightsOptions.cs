using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.DataRights;

/// <summary>When the data of deleted tenants go.</summary>
public sealed class DataRightsOptions
{
    public const string Section = "DataRights";

    /// <summary>How long after its deletion a tenant is erased: until then a mistake can be taken back. Default 1 day.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "90.00:00:00")]
    public TimeSpan EraseAfter { get; set; } = TimeSpan.FromDays(1);
}
