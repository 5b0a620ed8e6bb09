using System.Text.Json.Serialization;
using InferenceTemplate.Data.Catalog;

namespace InferenceTemplate.Worker.Inspection;

/// <summary>What came of opening a model: either what it is, or why it is not served.</summary>
internal sealed record InspectionReport(InspectedModel? Model, string? Reason)
{
    public static InspectionReport Refused(string reason) => new(null, reason);
}

/// <summary>JSON between the process that opens a model and the worker.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(InspectionReport))]
[JsonSerializable(typeof(InspectionLimits))]
internal sealed partial class InspectionJson : JsonSerializerContext;
