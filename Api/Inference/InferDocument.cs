using System.Text.Json;

namespace InferenceTemplate.Api.Inference;

// The forms of requests and answers, for documents only: they are read and written without such objects.

/// <summary>An inference request.</summary>
/// <param name="Id">Echoed in the answer.</param>
/// <param name="Parameters"><c>timeout</c> in microseconds, <c>priority</c> (1 is the highest, 0 the default), <c>binary_data_output</c>.
/// Others are ignored.</param>
/// <param name="Outputs">Only these are answered; all where absent or empty.</param>
internal sealed record InferRequestDocument(
    InferInputDocument[] Inputs, string? Id = null, Dictionary<string, JsonElement>? Parameters = null,
    InferOutputRequestDocument[]? Outputs = null);

/// <param name="Data">Numbers, booleans or texts, flat or nested, row-major; not for FP16 and BF16.</param>
/// <param name="Parameters"><c>binary_data_size</c>: bytes of the raw tensor behind the JSON, in place of data.</param>
internal sealed record InferInputDocument(
    string Name, string Datatype, long[] Shape, JsonElement[]? Data = null, Dictionary<string, JsonElement>? Parameters = null);

/// <param name="Parameters"><c>binary_data</c>: whether it is answered raw. <c>classification</c>: how many of its highest classes are
/// answered in its place.</param>
internal sealed record InferOutputRequestDocument(string Name, Dictionary<string, JsonElement>? Parameters = null);

/// <param name="Parameters"><c>queue_us</c>, <c>compute_us</c>, <c>batch_size</c>, <c>cost</c>, <c>currency</c>, and where they apply
/// <c>cache_hit</c>, <c>fallback</c>.</param>
internal sealed record InferAnswerDocument(
    string ModelName, string ModelVersion, InferOutputDocument[] Outputs, Dictionary<string, JsonElement> Parameters, string? Id = null);

/// <param name="Data">Flat, row-major.</param>
internal sealed record InferOutputDocument(
    string Name, string Datatype, long[] Shape, JsonElement[]? Data = null, Dictionary<string, JsonElement>? Parameters = null);

internal static class InferExamples
{
    public const string Request = """
        {"id":"digit-7","parameters":{"timeout":500000,"priority":1},
         "inputs":[{"name":"image","shape":[1,8,8],"datatype":"FP32","data":[
            0,0,9,13,16,16,4,0, 0,2,12,5,4,14,4,0, 0,0,0,0,5,13,0,0, 0,0,0,3,13,12,5,0,
            0,0,0,13,14,12,8,0, 0,0,0,13,6,0,0,0, 0,0,4,14,1,0,0,0, 0,0,14,7,0,0,0,0]}],
         "outputs":[{"name":"label"}]}
        """;

    public const string Response = """
        {"model_name":"digits","model_version":"1","id":"digit-7",
         "parameters":{"queue_us":412,"compute_us":95,"batch_size":1,"cost":0,"currency":"USD"},
         "outputs":[{"name":"label","datatype":"INT64","shape":[1],"data":[7]}]}
        """;
}
