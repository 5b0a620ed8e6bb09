using System.Text.Json;

namespace InferenceTemplate.Api.OpenApi;

/// <summary>
/// Names of the document's schemas. Problem details are written by the same options, and their one extension has a name of the field's.
/// </summary>
internal sealed class SchemaNames : JsonNamingPolicy
{
    private const string TraceId = "traceId";

    public override string ConvertName(string name) => name == TraceId ? name : SnakeCaseLower.ConvertName(name);
}
