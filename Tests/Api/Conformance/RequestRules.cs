using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

[Collection(nameof(ProtocolModels))]
public sealed class RequestRules(ProtocolModels models)
{
    private const string X = """{"name":"x","datatype":"FP32","shape":[2,2],"data":[1,2,3,4.5]}""";
    private const string S = """{"name":"s","datatype":"BYTES","shape":[2],"data":["a","b"]}""";

    [Fact]
    public async Task Answer_has_model_version_id_and_outputs_with_name_shape_datatype_and_data()
    {
        var answer = await models.InferAsync(models.Pair, $$"""{"id":"my id","inputs":[{{X}},{{S}}]}""").OkAsync();

        Assert.Equal(models.Pair, answer.GetProperty("model_name").GetString());
        Assert.Equal("1", answer.GetProperty("model_version").GetString());
        Assert.Equal("my id", answer.GetProperty("id").GetString());
        Assert.Equal("""{"name":"y","datatype":"FP32","shape":[2,2],"data":[1,2,3,4.5]}""", answer.Output("y").GetRawText());
        Assert.Equal("""{"name":"t","datatype":"BYTES","shape":[2],"data":["a","b"]}""", answer.Output("t").GetRawText());
    }

    [Fact]
    public async Task Model_of_twenty_inputs_and_outputs_is_called()
    {
        var (wide, name) = (new OnnxModel(), $"{models.Pair}-wide");
        for (var i = 0; i < 20; i++)
        {
            wide.Input($"x{i}", OnnxModel.Float, -1).Output($"y{i}", OnnxModel.Float, -1).Node("Identity", [$"x{i}"], [$"y{i}"]);
        }

        await models.UploadAsync(name, wide.ToBytes());
        var inputs = Enumerable.Range(0, 20).Select(i => $$"""{"name":"x{{i}}","datatype":"FP32","shape":[1],"data":[{{i}}]}""");

        var answer = await models.InferAsync(name, $$"""{"inputs":[{{string.Join(",", inputs)}}]}""").OkAsync();

        Assert.Equal(
            Enumerable.Range(0, 20).Select(i => (float)i),
            Enumerable.Range(0, 20).Select(i => Assert.Single(answer.Output($"y{i}").Data<float>())));
        using var deleted = await models.Client.DeleteAsync($"/v1/models/{name}", TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("\"id\":\"\",")]
    [InlineData("\"id\":null,")]
    [InlineData("")]
    public async Task Empty_id_is_an_absent_one(string id)
    {
        var answer = await models.InferAsync(models.Pair, $$"""{{{id}}"inputs":[{{X}},{{S}}]}""").OkAsync();

        Assert.False(answer.TryGetProperty("id", out _));
    }

    [Theory]
    [InlineData("[1,2,3,4]")]
    [InlineData("[[1,2],[3,4]]")]
    [InlineData(" [ [ 1 , 2 ] , [ 3 , 4 ] ] ")]
    public async Task Data_is_flat_or_nested_and_row_major(string data)
    {
        var answer = await models.InferAsync(
            models.Pair, $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":{{data}}},{{S}}]}""").OkAsync();

        Assert.Equal([1, 2, 3, 4], answer.Output("y").Data<float>());
    }

    [Theory]
    [InlineData("""{"inputs":[{"data":[1,2,3,4],"shape":[2,2],"datatype":"FP32","name":"x"},S]}""")]
    [InlineData("""{"inputs":[S,{"data":[1,2,3,4],"name":"x","datatype":"FP32","shape":[2,2]}]}""")]
    public async Task Order_of_properties_and_inputs_does_not_matter(string request)
    {
        var answer = await models.InferAsync(models.Pair, request.Replace(",S", $",{S}").Replace("[S", $"[{S}")).OkAsync();

        Assert.Equal([1, 2, 3, 4], answer.Output("y").Data<float>());
    }

    [Theory]
    [InlineData("\"outputs\":[{\"name\":\"t\"}],", "t")]
    [InlineData("\"outputs\":[{\"name\":\"t\",\"parameters\":{\"unknown\":1}},{\"name\":\"y\"}],", "y,t")]
    [InlineData("\"outputs\":[],", "y,t")]
    [InlineData("\"outputs\":null,", "y,t")]
    public async Task Outputs_asked_for_are_answered_and_all_where_none_is(string outputs, string expected)
    {
        var answer = await models.InferAsync(models.Pair, $$"""{{{outputs}}"inputs":[{{X}},{{S}}]}""").OkAsync();

        Assert.Equal(
            expected.Split(',').Order(),
            answer.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()!).Order());
    }

    [Theory]
    [InlineData("""{"outputs":[{"name":"y"},{"name":"y"}],"inputs":[X,S]}""", "'y' is asked for more than once")]
    [InlineData("""{"outputs":[{"name":"z"}],"inputs":[X,S]}""", "'z' is not an output")]
    [InlineData("""{"inputs":[X,X,S]}""", "'x' is given more than once")]
    [InlineData("""{"inputs":[X]}""", "'s' (BYTES [-1]) is missing")]
    [InlineData("""{"inputs":[X,{"name":"s","datatype":"BYTES","shape":[3],"data":["a","b","c"]}]}""", "a batch of 3 given, but 'x' has 2")]
    [InlineData("""{"inputs":[{"name":"x","datatype":"FP32","shape":[-1,2],"data":[1]},S]}""", "inputs[0].shape: whole numbers from 0")]
    public async Task Request_that_does_not_fit_the_model_is_refused(string request, string reason) =>
        await models.InferAsync(models.Pair, request.Replace("X", X).Replace("S}", $"{S}}}").Replace("S]", $"{S}]"))
            .RefusedAsync(HttpStatusCode.BadRequest, reason);

    [Fact]
    public async Task Unknown_parameters_and_properties_are_tolerated_wherever_they_stand()
    {
        const string Unknown = """{"text":"a","number":1.5,"flag":true,"binary_extension":7,"triton_x":"y","object":{"deep":[1]}}""";

        var answer = await models.InferAsync(
            models.Pair,
            $$"""
            {"extra":{"a":[1,{}]},"parameters":{{Unknown}},"outputs":[{"name":"y","parameters":{{Unknown}},"extra":1}],
             "inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2],"parameters":{{Unknown}},"extra":null},
                       {"name":"s","datatype":"BYTES","shape":[1],"data":["a"],"parameters":null}]}
            """).OkAsync();

        Assert.Equal([1, 2], answer.Output("y").Data<float>());
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [InlineData("2")]
    [InlineData("100")]
    public async Task Priority_is_0_for_the_default_and_1_for_the_highest(string priority) => Assert.Equal(
        JsonValueKind.Array,
        (await models.InferAsync(models.Pair, $$$"""{"parameters":{"priority":{{{priority}}}},"inputs":[{{{X}}},{{{S}}}]}""").OkAsync())
            .GetProperty("outputs").ValueKind);

    [Theory]
    [InlineData("\"priority\":-1", "parameters.priority")]
    [InlineData("\"priority\":\"1\"", "parameters.priority")]
    [InlineData("\"timeout\":-1", "parameters.timeout")]
    [InlineData("\"timeout\":1.5", "parameters.timeout")]
    [InlineData("\"binary_data_output\":1", "parameters.binary_data_output")]
    public async Task Reserved_parameter_of_another_type_is_refused(string parameter, string field) =>
        await models.InferAsync(models.Pair, $$$"""{"parameters":{{{{parameter}}}},"inputs":[{{{X}}},{{{S}}}]}""")
            .RefusedAsync(HttpStatusCode.BadRequest, field);

    [Fact]
    public async Task Timeout_is_in_microseconds_and_answered_504() =>
        await models.InferAsync(models.Pair, $$$"""{"parameters":{"timeout":1},"inputs":[{{{X}}},{{{S}}}]}""")
            .RefusedAsync(HttpStatusCode.GatewayTimeout, "");

    [Fact]
    public async Task Timeout_of_0_is_none() =>
        await models.InferAsync(models.Pair, $$$"""{"parameters":{"timeout":0},"inputs":[{{{X}}},{{{S}}}]}""").OkAsync();

    [Fact]
    public async Task Request_with_null_for_what_is_optional_is_served()
    {
        var answer = await models.InferAsync(
            models.Pair,
            """
            {"id":null,"parameters":null,"outputs":null,
             "inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2],"parameters":null},{"name":"s","datatype":"BYTES","shape":[1],"data":["a"]}]}
            """).OkAsync();

        Assert.Equal(["a"], answer.Output("t").Data<string>());
    }
}
