using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Core.Costs;

/// <summary>What the device's time costs, where a model's settings say nothing else.</summary>
public sealed class CostOptions
{
    public const string Section = "Costs";

    /// <summary>Price of an hour of one device. Default 0: costs are not counted.</summary>
    [Range(typeof(decimal), "0", "1000000", ParseLimitsInInvariantCulture = true)]
    public decimal PricePerDeviceHour { get; set; }

    /// <summary>ISO 4217 code of the currency of all prices. Default USD.</summary>
    [RegularExpression("^[A-Z]{3}$", ErrorMessage = "Costs:Currency must be three capital letters, such as EUR.")]
    public string Currency { get; set; } = "USD";
}
