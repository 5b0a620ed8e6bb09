using System.Globalization;
using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

[Collection(nameof(ProtocolModels))]
public sealed class DatatypeRules(ProtocolModels models)
{
    [Theory]
    [InlineData("BOOL", "[true,false]")]
    [InlineData("UINT8", "[0,255]")]
    [InlineData("UINT16", "[0,65535]")]
    [InlineData("UINT32", "[0,4294967295]")]
    [InlineData("UINT64", "[0,18446744073709551615]")]
    [InlineData("INT8", "[-128,127]")]
    [InlineData("INT16", "[-32768,32767]")]
    [InlineData("INT32", "[-2147483648,2147483647]")]
    [InlineData("INT64", "[-9223372036854775808,9223372036854775807]")]
    [InlineData("FP32", "[-3.4028235E+38,1E-45]")]
    [InlineData("FP64", "[-1.7976931348623157E+308,5E-324]")]
    [InlineData("BYTES", "[\"\",\"two words\"]")]
    public async Task Datatype_is_served_as_json(string datatype, string data)
    {
        var answer = await models.InferAsync(
            models.Of(datatype), $$"""{"inputs":[{"name":"x","datatype":"{{datatype}}","shape":[2],"data":{{data}}}]}""").OkAsync();

        var output = answer.Output("y");
        Assert.Equal(datatype, output.GetProperty("datatype").GetString());
        Assert.Equal(data, output.GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData("BOOL", "0100")]
    [InlineData("UINT8", "00FF")]
    [InlineData("UINT16", "0001FFFF")]
    [InlineData("UINT32", "01000000FFFFFFFF")]
    [InlineData("UINT64", "0100000000000000FFFFFFFFFFFFFFFF")]
    [InlineData("INT8", "807F")]
    [InlineData("INT16", "0080FF7F")]
    [InlineData("INT32", "00000080FFFFFF7F")]
    [InlineData("INT64", "0000000000000080FFFFFFFFFFFFFF7F")]
    [InlineData("FP16", "003C01FC")]
    [InlineData("FP32", "0000C07F0000803F")]
    [InlineData("FP64", "000000000000F03F000000000000F07F")]
    [InlineData("BF16", "803FC0FF")]
    [InlineData("BYTES", "0000000003000000FF00FE")]
    public async Task Datatype_is_served_raw_byte_by_byte(string datatype, string hex)
    {
        var bytes = Convert.FromHexString(hex);

        var (answer, raw) = await models.InferRawAsync(
            models.Of(datatype),
            $$$"""
            {"parameters":{"binary_data_output":true},
             "inputs":[{"name":"x","datatype":"{{{datatype}}}","shape":[2],"parameters":{"binary_data_size":{{{bytes.Length}}}}}]}
            """,
            bytes).RawAsync();

        Assert.Equal(datatype, answer.Output("y").GetProperty("datatype").GetString());
        Assert.Equal(hex, Convert.ToHexString(raw["y"]));
    }

    [Theory]
    [InlineData("[]", "[1]")]
    [InlineData("[3]", "[1,2,3]")]
    [InlineData("[1,2,1]", "[1,2]")]
    public async Task Input_without_a_shape_takes_any_rank_and_the_answer_has_it(string shape, string data)
    {
        var answer = await models.InferAsync(
            models.Unranked, $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":{{shape}},"data":{{data}}}]}""").OkAsync();

        Assert.Equal(shape, answer.Output("y").GetProperty("shape").GetRawText());
        Assert.Equal(data, answer.Output("y").GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData("FP16")]
    [InlineData("BF16")]
    public async Task Half_precision_as_json_is_refused_both_ways(string datatype)
    {
        await models.InferAsync(models.Of(datatype), $$"""{"inputs":[{"name":"x","datatype":"{{datatype}}","shape":[1],"data":[1]}]}""")
            .RefusedAsync(HttpStatusCode.BadRequest, $"inputs[0].datatype: {datatype} can't be given as JSON numbers");
        await models.InferRawAsync(
                models.Of(datatype),
                $$$"""{"inputs":[{"name":"x","datatype":"{{{datatype}}}","shape":[1],"parameters":{"binary_data_size":2}}]}""",
                [0, 0])
            .RefusedAsync(HttpStatusCode.BadRequest, $"'y' is {datatype}");
    }

    [Theory]
    [InlineData("BOOL", "[1]")]
    [InlineData("UINT8", "[256]")]
    [InlineData("UINT16", "[-1]")]
    [InlineData("UINT32", "[1.5]")]
    [InlineData("UINT64", "[18446744073709551616]")]
    [InlineData("INT8", "[128]")]
    [InlineData("INT16", "[\"1\"]")]
    [InlineData("INT32", "[true]")]
    [InlineData("INT64", "[9223372036854775808]")]
    [InlineData("FP32", "[1e39]")]
    [InlineData("FP64", "[null]")]
    [InlineData("BYTES", "[1]")]
    public async Task Element_out_of_its_datatype_is_refused(string datatype, string data) =>
        await models.InferAsync(
            models.Of(datatype), $$"""{"inputs":[{"name":"x","datatype":"{{datatype}}","shape":[1],"data":{{data}}}]}""")
            .RefusedAsync(HttpStatusCode.BadRequest, "inputs[0].data: element 0 is not a");

    [Fact]
    public async Task Input_with_an_initializer_is_optional_and_nobody_elses()
    {
        var metadata = await models.GetAsync($"/v2/models/{models.Shifted}");
        Assert.Equal(
            ["x ", "shift True"],
            metadata.GetProperty("inputs").EnumerateArray().Select(
                i => $"{i.GetProperty("name")} {(i.TryGetProperty("optional", out var optional) ? optional.GetBoolean() : "")}"));
        Assert.True(metadata.GetProperty("parameters").GetProperty("batching").GetBoolean());

        await Task.WhenAll(Enumerable.Range(0, 64).Select(async n =>
        {
            var shift = n % 2 == 0 ? "" : $$"""{"name":"shift","datatype":"FP32","shape":[2],"data":[{{n}},{{n}}]},""";
            var answer = await models.InferAsync(
                models.Shifted, $$"""{"inputs":[{{shift}}{"name":"x","datatype":"FP32","shape":[1,2],"data":[{{n}},1]}]}""").OkAsync();
            var added = n % 2 == 0 ? 10 : n;
            Assert.Equal($"[{n + added},{1 + added}]", answer.Output("y").GetProperty("data").GetRawText());
        }));

        await models.InferAsync(
                models.Shifted,
                """
                {"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]},
                           {"name":"shift","datatype":"FP32","shape":[1],"data":[1]}]}
                """)
            .RefusedAsync(HttpStatusCode.BadRequest, "inputs['shift'].shape: [1] given, [2] expected");
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("[1,2,3]")]
    public async Task Number_of_elements_is_that_of_the_shape(string data) =>
        await models.InferAsync(models.Of("FP32"), $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":{{data}}}]}""")
            .RefusedAsync(HttpStatusCode.BadRequest, "inputs[0].data:");

    [Fact]
    public async Task Bytes_may_hold_any_text()
    {
        const string Text = "\"\\u0000 \\\" \\\\ \\u00FC \\uD83D\\uDE00 \\n\"";

        var answer = await models.InferAsync(
            models.Of("BYTES"), $$"""{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":[{{Text}}]}]}""").OkAsync();

        Assert.Equal("\0 \" \\ ü 😀 \n", Assert.Single(answer.Output("y").Data<string>()));
    }

    [Fact]
    public async Task Bytes_of_concurrent_callers_share_runs_and_come_back_to_their_senders()
    {
        var calls = Enumerable.Range(0, 64).Select(async i =>
        {
            string[] texts = [.. Enumerable.Range(0, 1 + (i % 3)).Select(j => new string((char)('a' + (i % 26)), i * j))];
            var answer = await models.InferAsync(
                models.Of("BYTES"),
                $$"""{"inputs":[{"name":"x","datatype":"BYTES","shape":[{{texts.Length}}],"data":["{{string.Join("\",\"", texts)}}"]}]}""").OkAsync();
            Assert.Equal(texts, answer.Output("y").Data<string>());
        });

        await Task.WhenAll(calls);
    }

    [Fact]
    public async Task Nan_and_infinity_in_answers_are_null_as_json()
    {
        byte[] numbers =
            [.. BitConverter.GetBytes(float.NaN), .. BitConverter.GetBytes(float.NegativeInfinity), .. BitConverter.GetBytes(1f)];

        var answer = await models.InferRawAsync(
            models.Of("FP32"), """{"inputs":[{"name":"x","datatype":"FP32","shape":[3],"parameters":{"binary_data_size":12}}]}""",
            numbers).OkAsync();

        Assert.Equal("[null,null,1]", answer.Output("y").GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public async Task Nan_is_refused_where_the_model_refuses_it(float number)
    {
        var model = $"strict-{Guid.NewGuid():N}";
        await models.UploadAsync(model, ProtocolModels.Identity(1));
        const string Request = """{"inputs":[{"name":"x","datatype":"FP32","shape":[3],"parameters":{"binary_data_size":12}}]}""";
        byte[] numbers = [.. new byte[8], .. BitConverter.GetBytes(number)];
        await models.InferRawAsync(model, Request, numbers).OkAsync();

        using var settings = await models.Client.PutAsync(
            $"/v1/models/{model}/settings", InferenceTemplate.Tests.Shared.Digits.Json("""{"refuse_nan":true}"""),
            ProtocolModels.Cancellation);
        Assert.Equal(HttpStatusCode.OK, settings.StatusCode);
        Assert.True((await models.GetAsync($"/v1/models/{model}")).GetProperty("settings").GetProperty("refuse_nan").GetBoolean());

        // Replicas hear of it one after the other.
        var json = System.Text.Encoding.UTF8.GetBytes(Request);
        await models.Client.OnEachReplicaAsync(
            () => ProtocolModels.Post(
                $"/v2/models/{model}/infer", [.. json, .. numbers], ("Inference-Header-Content-Length", $"{json.Length}")),
            response => Task.FromResult(response.StatusCode == HttpStatusCode.BadRequest));

        await models.InferRawAsync(model, Request, numbers)
            .RefusedAsync(
                HttpStatusCode.BadRequest, string.Create(CultureInfo.InvariantCulture, $"inputs['x'].data: element 2 is NaN or infinite"));
        await models.InferRawAsync(model, Request, new byte[12]).OkAsync();
        using var deleted = await models.Client.DeleteAsync($"/v1/models/{model}", ProtocolModels.Cancellation);
    }
}
