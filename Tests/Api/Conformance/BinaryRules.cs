using System.Net;
using System.Text;

namespace InferenceTemplate.Tests.Api.Conformance;

[Collection(nameof(ProtocolModels))]
public sealed class BinaryRules(ProtocolModels models)
{
    private const string RawX = """{"name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}}""";
    private const string RawS = """{"name":"s","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":7}}""";
    private const string JsonX = """{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}""";
    private const string JsonS = """{"name":"s","datatype":"BYTES","shape":[1],"data":["abc"]}""";

    private static readonly byte[] X = [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40];
    private static readonly byte[] S = [3, 0, 0, 0, (byte)'a', (byte)'b', (byte)'c'];

    [Theory]
    [InlineData(RawX, RawS, true)]
    [InlineData(RawS, RawX, false)]
    public async Task Raw_tensors_follow_the_json_in_the_order_of_the_inputs(string first, string second, bool xFirst)
    {
        var answer = await models.InferRawAsync(
            models.Pair, $$"""{"inputs":[{{first}},{{second}}]}""", xFirst ? [.. X, .. S] : [.. S, .. X]).OkAsync();

        Assert.Equal([1, 2], answer.Output("y").Data<float>());
        Assert.Equal(["abc"], answer.Output("t").Data<string>());
    }

    [Theory]
    [InlineData(JsonX, RawS, false)]
    [InlineData(RawX, JsonS, true)]
    [InlineData(JsonS, RawX, true)]
    public async Task Json_and_raw_inputs_may_be_mixed(string first, string second, bool x)
    {
        var answer = await models.InferRawAsync(models.Pair, $$"""{"inputs":[{{first}},{{second}}]}""", x ? X : S).OkAsync();

        Assert.Equal([1, 2], answer.Output("y").Data<float>());
        Assert.Equal(["abc"], answer.Output("t").Data<string>());
    }

    [Fact]
    public async Task Header_may_count_a_request_without_raw_tensors() =>
        await models.InferRawAsync(models.Pair, $$"""{"inputs":[{{JsonX}},{{JsonS}}]}""", []).OkAsync();

    [Theory]
    [InlineData("", """ "parameters":{"binary_data_output":true},""", true, true)]
    [InlineData("""{"name":"y","parameters":{"binary_data":true}},{"name":"t"}""", "", true, false)]
    [InlineData(
        """{"name":"y","parameters":{"binary_data":false}},{"name":"t"}""", """ "parameters":{"binary_data_output":true},""", false, true)]
    [InlineData(
        """{"name":"y","parameters":{"binary_data":true}},{"name":"t"}""", """ "parameters":{"binary_data_output":false},""", true, false)]
    public async Task Flag_of_an_output_goes_before_the_requests(string outputs, string parameters, bool y, bool t)
    {
        var (answer, raw) = await models.InferAsync(
            models.Pair, $$"""{{{parameters}}"outputs":[{{outputs}}],"inputs":[{{JsonX}},{{JsonS}}]}""").RawAsync();

        Assert.Equal(y, raw.ContainsKey("y"));
        Assert.Equal(t, raw.ContainsKey("t"));
        Assert.Equal(!y, answer.Output("y").TryGetProperty("data", out _));
        Assert.Equal(!t, answer.Output("t").TryGetProperty("data", out _));
        if (y)
        {
            Assert.Equal(X, raw["y"]);
        }

        if (t)
        {
            Assert.Equal(S, raw["t"]);
        }
    }

    [Theory]
    [InlineData("FP32", "0000803F")]
    [InlineData("INT8", "80")]
    [InlineData("BOOL", "01")]
    [InlineData("FP16", "003C")]
    public async Task Header_of_0_is_a_body_of_raw_data_only_and_answers_raw(string datatype, string hex)
    {
        var (answer, raw) = await models.PostAsync(
            $"/v2/models/{models.Of(datatype)}/infer", Convert.FromHexString(hex), ("Inference-Header-Content-Length", "0")).RawAsync();

        Assert.Equal("[1]", answer.Output("y").GetProperty("shape").GetRawText());
        Assert.Equal(hex, Convert.ToHexString(raw["y"]));
    }

    [Fact]
    public async Task Header_of_0_with_bytes_is_one_element_without_its_length()
    {
        var (_, raw) = await models.PostAsync(
            $"/v2/models/{models.Of("BYTES")}/infer", [0xFF, 0, 1], ("Inference-Header-Content-Length", "0")).RawAsync();

        Assert.Equal([3, 0, 0, 0, 0xFF, 0, 1], raw["y"]);
    }

    [Fact]
    public async Task Header_of_0_is_for_models_with_one_input() =>
        await models.PostAsync($"/v2/models/{models.Pair}/infer", X, ("Inference-Header-Content-Length", "0"))
            .RefusedAsync(HttpStatusCode.BadRequest, "is for models with one input; this one has 2");

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1e2")]
    [InlineData("0x10")]
    [InlineData("1000")]
    [InlineData("99999999999999999999")]
    public async Task Header_that_is_no_length_within_the_body_is_refused(string header) =>
        await models.PostAsync($"/v2/models/{models.Pair}/infer", Encoding.UTF8.GetBytes("{}"), ("Inference-Header-Content-Length", header))
            .RefusedAsync(HttpStatusCode.BadRequest, "Inference-Header-Content-Length");

    [Theory]
    [InlineData(
        """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":4}},S]}""", "4 bytes given, but the shape says 8")]
    [InlineData(
        """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":80}},S]}""", "80 bytes said, but only")]
    [InlineData(
        """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":"8"}},S]}""", "a whole number of bytes")]
    [InlineData(
        """{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2],"parameters":{"binary_data_size":8}},S]}""", "both given")]
    [InlineData(
        """{"inputs":[X,{"name":"s","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":7}}]}""", "1 elements given, but the shape says 2")]
    [InlineData(
        """{"inputs":[X,{"name":"s","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":6}}]}""", "element 0 is cut short")]
    [InlineData("""{"inputs":[X]}""", "15 bytes follow the JSON, but the inputs' binary_data_size add up to 8")]
    public async Task Raw_tensor_of_another_size_than_said_is_refused(string json, string reason) =>
        await models.InferRawAsync(models.Pair, json.Replace("[X", $"[{RawX}").Replace(",S", $",{RawS}"), [.. X, .. S])
            .RefusedAsync(HttpStatusCode.BadRequest, reason);
}
