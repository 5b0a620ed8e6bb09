using System.Globalization;
using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Components.Shared;

/// <summary>A command that sends one valid request, to paste into a shell.</summary>
internal static class SampleRequest
{
    /// <summary>
    /// Up to here the data is written out; beyond, the shell makes it, and it must not be an argument (Linux: 128 KiB each).
    /// </summary>
    private const long WrittenOut = 64;

    /// <summary>A request to the first model that can take one, or for the server's metadata where there is none.</summary>
    public static string Curl(string apiAddress, IReadOnlyList<ModelVersion> models)
    {
        var plain = models.Where(
            model => IsPlain(model.Name) && model.Inputs.All(input => IsPlain(input.Name) && IsPlain(input.Datatype))).ToList();
        var model = plain.Find(model => model.State == "ready") ?? plain.FirstOrDefault();
        return model is null
            ? $"curl {apiAddress}/v2 -H 'Authorization: Bearer <your API key>'"
            : Infer(apiAddress, model);
    }

    private static string Infer(string apiAddress, ModelVersion model)
    {
        var body = $$"""{"inputs":[{{string.Join(",", model.Inputs.Select(Tensor))}}]}""";
        var data = model.Inputs.All(input => Elements(input) <= WrittenOut) ? $"-d '{body}'" : $"-d @- <<END\n{body}\nEND";
        return $"""
            curl {apiAddress}/v2/models/{model.Name}/infer \
              -H 'Authorization: Bearer <your API key>' \
              -H 'Content-Type: application/json' \
              {data}
            """;
    }

    private static string Tensor(TensorSignature tensor)
    {
        var zero = tensor.Datatype switch
        {
            "BOOL" => "false",
            "BYTES" => "\"\"",
            _ => "0",
        };
        var count = Elements(tensor);
        var data = count <= WrittenOut
            ? string.Join(",", Enumerable.Repeat(zero, (int)count))
            : $"$(yes '{zero}' | head -n {count} | paste -sd, -)";
        var sizes = string.Join(",", Sizes(tensor).Select(size => size.ToString(CultureInfo.InvariantCulture)));
        return $$"""{"name":"{{tensor.Name}}","datatype":"{{tensor.Datatype}}","shape":[{{sizes}}],"data":[{{data}}]}""";
    }

    private static IEnumerable<long> Sizes(TensorSignature tensor) => tensor.Shape.Select(size => size < 0 ? 1 : size);

    private static long Elements(TensorSignature tensor) => Sizes(tensor).Aggregate(1L, (product, size) => product * size);

    /// <summary>Names come from model files: one that a shell would read as code must not get into a command that people paste.</summary>
    private static bool IsPlain(string name) => name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or ':' or '/');
}
