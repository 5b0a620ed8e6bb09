using System.Globalization;
using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Components.Shared;

/// <summary>A command that sends one valid request to a model, to paste into a shell.</summary>
internal static class SampleRequest
{
    /// <summary>Above this many elements the shell writes them out, so that the command stays readable.</summary>
    private const long WrittenOut = 64;

    public static string Curl(string apiAddress, ModelVersion model)
    {
        var tensors = string.Join(",", model.Inputs.Select(Tensor));
        return $"""
            curl {apiAddress}/v2/models/{model.Name}/infer \
              -H 'Authorization: Bearer <your API key>' \
              -H 'Content-Type: application/json' \
              -d '{"{"}"inputs":[{tensors}]{"}"}'
            """;
    }

    private static string Tensor(TensorSignature tensor)
    {
        long[] shape = [.. tensor.Shape.Select(size => size < 0 ? 1 : size)];
        var zero = tensor.Datatype switch
        {
            "BOOL" => "false",
            "BYTES" => "\"\"",
            _ => "0",
        };
        var count = shape.Aggregate(1L, (product, size) => product * size);
        var data = count <= WrittenOut
            ? string.Join(",", Enumerable.Repeat(zero, (int)count))
            : $"""'"$(yes '{zero}' | head -n {count} | paste -sd, -)"'""";
        var sizes = string.Join(",", shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
        return $$"""{"name":"{{tensor.Name}}","datatype":"{{tensor.Datatype}}","shape":[{{sizes}}],"data":[{{data}}]}""";
    }
}
