using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>The binary tensor extension of the Open Inference Protocol.</summary>
public sealed class BinaryTests(Platform platform)
{
    private const string HeaderLength = "Inference-Header-Content-Length";

    private static readonly (float[] Pixels, int Label) Digit = Digits.HeldOut[0];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Infer_takes_a_raw_tensor_behind_its_json()
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync("/v2/models/digits/infer", Request(Input(256)), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal([Digit.Label], (await response.JsonAsync()).Output("label").Data<int>());
    }

    [Theory]
    [InlineData("", "\"parameters\":{\"binary_data_output\":true},", true, true)]
    [InlineData("\"outputs\":[{\"name\":\"label\",\"parameters\":{\"binary_data\":true}},{\"name\":\"probabilities\"}],", "", true, false)]
    [InlineData(
        "\"outputs\":[{\"name\":\"label\"},{\"name\":\"probabilities\",\"parameters\":{\"binary_data\":false}}],",
        "\"parameters\":{\"binary_data_output\":true},",
        true,
        false)]
    public async Task Infer_answers_in_the_form_that_the_output_asks_for_else_the_request(
        string outputs, string parameters, bool labelIsRaw, bool probabilitiesAreRaw)
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync(
            "/v2/models/digits/infer", Digits.Request([Digit.Pixels], id: "b", extra: outputs + parameters), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var (answer, raw) = await ReadAsync(response);
        Assert.Equal("b", answer.GetProperty("id").GetString());
        Assert.Equal(labelIsRaw, raw.ContainsKey("label"));
        Assert.Equal(probabilitiesAreRaw, raw.ContainsKey("probabilities"));
        Assert.Equal([Digit.Label], MemoryMarshal.Cast<byte, long>(raw["label"]).ToArray().Select(l => (int)l));
        Assert.False(answer.Output("label").TryGetProperty("data", out _));
        if (probabilitiesAreRaw)
        {
            var probabilities = MemoryMarshal.Cast<byte, float>(raw["probabilities"]).ToArray();
            Assert.Equal(1, probabilities.Sum(), 1e-3);
            Assert.Equal(Digit.Label, Array.IndexOf(probabilities, probabilities.Max()));
        }
        else
        {
            Assert.Equal(10, answer.Output("probabilities").Data<double>().Length);
        }
    }

    [Fact]
    public async Task Infer_takes_a_body_of_raw_data_only_and_answers_raw()
    {
        using var client = platform.Admin();
        using var content = Content([], Bytes, headerLength: 0);

        using var response = await client.PostAsync("/v2/models/digits/infer", content, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var (_, raw) = await ReadAsync(response);
        Assert.Equal(2, raw.Count);
        Assert.Equal(Digit.Label, MemoryMarshal.Cast<byte, long>(raw["label"])[0]);
    }

    [Fact]
    public async Task Infer_answers_alike_in_both_forms()
    {
        using var client = platform.Admin();

        using var json = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digit.Pixels]), Cancellation);
        using var binary = await client.PostAsync("/v2/models/digits/infer", Content([], Bytes, headerLength: 0), Cancellation);

        var (_, raw) = await ReadAsync(binary);
        var written = (await json.JsonAsync()).Output("probabilities").GetProperty("data").EnumerateArray()
            .Select(p => float.Parse(p.GetRawText(), CultureInfo.InvariantCulture));
        Assert.Equal(MemoryMarshal.Cast<byte, float>(raw["probabilities"]).ToArray(), written);
    }

    [Theory]
    [InlineData(255, 256, null, "binary_data_size: 255 bytes given, but the shape says 256")]
    [InlineData(256, 255, null, "256 bytes said, but only 255 are left of the 255")]
    [InlineData(256, 257, null, "257 bytes follow the JSON, but the inputs' binary_data_size add up to 256")]
    [InlineData(256, 256, "9999999", "'9999999' given, a whole number up to the body's")]
    [InlineData(256, 256, "-1", "'-1' given")]
    [InlineData(256, 256, "a", "'a' given")]
    public async Task Infer_answers_400_when_lengths_do_not_fit(int said, int sent, string? header, string reason)
    {
        using var client = platform.Admin();
        var json = Encoding.UTF8.GetBytes(Input(said));
        using var content = Content(json, new byte[sent], json.Length);
        if (header is not null)
        {
            content.Headers.Remove(HeaderLength);
            content.Headers.Add(HeaderLength, header);
        }

        using var response = await client.PostAsync("/v2/models/digits/infer", content, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(reason, await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """"{"inputs":[{"name":"image","shape":[1],"datatype":"FP32","data":[1],"parameters":{"binary_data_size":4}}]}"""", "both given")]
    [InlineData(
        """"{"inputs":[{"name":"image","shape":[1],"datatype":"FP32","parameters":{"binary_data_size":-4}}]}"""", "a whole number of bytes")]
    [InlineData(
        """"{"inputs":[{"name":"image","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":4}}]}"""", "element 0 is cut short")]
    [InlineData(""""{"inputs":[],"parameters":{"binary_data_output":1}}"""", "true or false expected, a number given")]
    [InlineData(""""{"inputs":[],"parameters":{"priority":-1}}"""", "parameters.priority")]
    public async Task Infer_answers_400_when_parameters_are_wrong(string json, string reason)
    {
        using var client = platform.Admin();
        var bytes = Encoding.UTF8.GetBytes(json);
        using var content = Content(bytes, [255, 0, 0, 0], bytes.Length);

        using var response = await client.PostAsync("/v2/models/digits/infer", content, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(reason, await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Infer_answers_400_when_raw_data_is_of_another_length_than_the_input()
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync("/v2/models/digits/infer", Content([], new byte[7], headerLength: 0), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("7 bytes given, but 256 are FP32 [1,8,8]", await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_says_that_it_speaks_the_extension()
    {
        using var client = platform.Admin();

        using var response = await client.GetAsync("/v2", Cancellation);

        Assert.Contains(
            "binary_tensor_data", (await response.JsonAsync()).GetProperty("extensions").EnumerateArray().Select(e => e.GetString()));
    }

    private static byte[] Bytes => MemoryMarshal.AsBytes<float>(Digit.Pixels).ToArray();

    private static string Input(int size) =>
        $$$"""{"inputs":[{"name":"image","shape":[1,8,8],"datatype":"FP32","parameters":{"binary_data_size":{{{size}}}}}]}""";

    private static ByteArrayContent Request(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        return Content(bytes, Bytes, bytes.Length);
    }

    private static ByteArrayContent Content(byte[] json, byte[] raw, int headerLength)
    {
        var content = new ByteArrayContent([.. json, .. raw]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        content.Headers.Add(HeaderLength, headerLength.ToString(CultureInfo.InvariantCulture));
        return content;
    }

    // The JSON, and by output's name the bytes behind it.
    private static async Task<(JsonElement Json, Dictionary<string, byte[]> Raw)> ReadAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/octet-stream", response.Content.Headers.ContentType?.MediaType);
        var body = await response.Content.ReadAsByteArrayAsync(Cancellation);
        Assert.Equal(body.Length, response.Content.Headers.ContentLength);
        var length = int.Parse(response.Headers.GetValues(HeaderLength).Single(), CultureInfo.InvariantCulture);
        using var document = JsonDocument.Parse(body.AsMemory(0, length));
        var json = document.RootElement.Clone();
        var rest = body.AsSpan(length);
        var raw = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (var output in json.GetProperty("outputs").EnumerateArray())
        {
            if (output.TryGetProperty("parameters", out var parameters))
            {
                var size = parameters.GetProperty("binary_data_size").GetInt32();
                raw[output.GetProperty("name").GetString()!] = rest[..size].ToArray();
                rest = rest[size..];
            }
        }

        Assert.Equal(0, rest.Length);
        return (json, raw);
    }
}
