using System.Text.Json;
using InferenceTemplate.Web.ApiClient;
using InferenceTemplate.Web.Components.Playground;

namespace InferenceTemplate.Tests.Web;

public class KeptRequestTests
{
    [Theory]
    [InlineData("[1]", "[2]", "The form has what was sent in that request.")]
    [InlineData("[1]", null, "The form has what was sent in that request, but not of b: a form holds at most 16 KiB of an input.")]
    [InlineData(null, null, "What was sent is not filled in, of a, b: a form holds at most 16 KiB of an input.")]
    public void Form_tells_which_inputs_it_has_of_a_request(string? a, string? b, string said)
    {
        // Null is one more than a form holds.
        static string Input(string name, string? data) =>
            $"{{\"name\":\"{name}\",\"shape\":[1],\"data\":{data ?? $"[{new string('1', TensorField.MaxText)}]"}}}";
        TensorField[] fields = [.. new[] { "a", "b" }.Select(name => new TensorField(new TensorSignature(name, "FP32", [1])))];
        foreach (var (field, data) in fields.Zip([a, b]))
        {
            using var input = JsonDocument.Parse(Input(field.Signature.Name, data));
            field.Fill(input.RootElement);
        }

        Assert.Equal(said, PlaygroundRequest.Filled(fields));
    }

    [Theory]
    [InlineData("BOOL", "0100", "[true,false]")]
    [InlineData("INT8", "FF", "[-1]")]
    [InlineData("UINT8", "FF", "[255]")]
    [InlineData("INT16", "FEFF", "[-2]")]
    [InlineData("UINT16", "FEFF", "[65534]")]
    [InlineData("INT32", "FEFFFFFF", "[-2]")]
    [InlineData("UINT32", "FEFFFFFF", "[4294967294]")]
    [InlineData("INT64", "0000000000000080", "[-9223372036854775808]")]
    [InlineData("UINT64", "FFFFFFFFFFFFFFFF", "[18446744073709551615]")]
    [InlineData("FP16", "003C00C0", "[1,-2]")]
    [InlineData("BF16", "803F", "[1]")]
    [InlineData("FP32", "CDCCCC3D", "[0.1]")]
    [InlineData("FP64", "9A9999999999B93F", "[0.1]")]
    [InlineData("BYTES", "0200000068690000000003000000E282AC", "[\"hi\",\"\",\"\\u20AC\"]")]
    [InlineData("FP32", "", "[]")]
    public void Values_of_each_datatype_are_those_that_were_sent(string datatype, string raw, string data)
    {
        var (request, problem) = KeptRequest.Of(Payload(
            $"\"datatype\":\"{datatype}\",\"shape\":[2],\"raw\":\"{Convert.ToBase64String(Convert.FromHexString(raw))}\""));

        Assert.Null(problem);
        using var read = JsonDocument.Parse(request!);
        var input = read.RootElement.GetProperty("inputs")[0];
        Assert.Equal(("x", datatype), (input.GetProperty("name").GetString(), input.GetProperty("datatype").GetString()));
        Assert.Equal("[2]", input.GetProperty("shape").GetRawText());
        Assert.Equal(data, input.GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData("\"omitted\":\"too_large\"", "the input 'x' was too large")]
    [InlineData("\"omitted\":\"redacted\"", "the input 'x' was redacted")]
    [InlineData("\"datatype\":\"FP32\",\"shape\":[1],\"raw\":\"AADAfw==\"", "the input 'x' has values of FP32 that JSON can't tell")]
    [InlineData("\"datatype\":\"BYTES\",\"shape\":[1],\"raw\":\"AQAAAP8=\"", "the input 'x' has values of BYTES that JSON can't tell")]
    [InlineData("\"datatype\":\"BYTES\",\"shape\":[1],\"raw\":\"/////w==\"", "the input 'x' has values of BYTES that JSON can't tell")]
    [InlineData("\"datatype\":\"INT32\",\"shape\":[1],\"raw\":\"AQ==\"", "the input 'x' has values of INT32 that JSON can't tell")]
    [InlineData("\"datatype\":\"FP32\",\"raw\":\"AADAfw==\"", "what was kept of it can't be read")]
    [InlineData("\"datatype\":\"FP32\",\"shape\":[1],\"raw\":\"!\"", "what was kept of it can't be read")]
    public void What_cannot_be_sent_again_is_said(string input, string problem) =>
        Assert.Equal((null, problem), KeptRequest.Of(Payload(input)));

    [Theory]
    [InlineData("no JSON")]
    [InlineData("[]")]
    [InlineData("{\"data\":{}}")]
    public void What_is_no_payload_is_said(string payload) =>
        Assert.Equal((null, "what was kept of it can't be read"), KeptRequest.Of(payload));

    private static string Payload(string input) =>
        $"{{\"specversion\":\"1.0\",\"data\":{{\"inputs\":[{{\"name\":\"x\",{input}}}],\"outputs\":[]}}}}";
}
