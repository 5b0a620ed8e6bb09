using System.Net;

namespace InferenceTemplate.Tests.Api.Conformance;

[Collection(nameof(ProtocolModels))]
public sealed class ServerRules(ProtocolModels models)
{
    [Fact]
    public async Task Server_metadata_has_name_version_and_extensions()
    {
        var server = await models.GetAsync("/v2");

        Assert.NotEmpty(server.GetProperty("name").GetString()!);
        Assert.NotEmpty(server.GetProperty("version").GetString()!);
        Assert.Equal(
            ["binary_tensor_data", "classification", "model_configuration", "model_repository", "parameters", "schedule_policy",
                "statistics"],
            server.GetProperty("extensions").EnumerateArray().Select(e => e.GetString()).Order());
    }

    [Theory]
    [InlineData("live")]
    [InlineData("ready")]
    public async Task Health_is_told_by_status_and_under_the_key_of_each_implementation(string what)
    {
        using var anonymous = models.Platform.Anonymous();
        using var response = await anonymous.GetAsync($"/v2/health/{what}", ProtocolModels.Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var body = await response.JsonAsync();
        Assert.True(body.GetProperty("live").GetBoolean());
        Assert.Equal(what == "ready", body.TryGetProperty("ready", out var ready) && ready.GetBoolean());
    }

    [Fact]
    public async Task Models_are_listed_by_name()
    {
        var names = (await models.GetAsync("/v2/models")).GetProperty("models").EnumerateArray().Select(m => m.GetString()!).ToList();

        Assert.Contains("digits", names);
        Assert.Contains(models.Pair, names);
        Assert.Equal(names.Distinct().Order(StringComparer.Ordinal), names);
    }

    [Theory]
    [InlineData("")]
    [InlineData("/versions/1")]
    public async Task Model_metadata_has_name_versions_platform_inputs_and_outputs(string version)
    {
        var model = await models.GetAsync($"/v2/models/{models.Pair}{version}");

        Assert.Equal(models.Pair, model.GetProperty("name").GetString());
        Assert.Equal(["1"], model.GetProperty("versions").EnumerateArray().Select(v => v.GetString()));
        Assert.Equal("onnxruntime_onnx", model.GetProperty("platform").GetString());
        Assert.Equal("""[{"name":"x","datatype":"FP32","shape":[-1,2]},{"name":"s","datatype":"BYTES","shape":[-1]}]""",
            model.GetProperty("inputs").GetRawText());
        Assert.Equal("""[{"name":"y","datatype":"FP32","shape":[-1,2]},{"name":"t","datatype":"BYTES","shape":[-1]}]""",
            model.GetProperty("outputs").GetRawText());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/versions/1")]
    public async Task Model_readiness_has_name_and_ready(string version)
    {
        var ready = await models.GetAsync($"/v2/models/{models.Pair}{version}/ready");

        Assert.Equal($$"""{"name":"{{models.Pair}}","ready":true}""", ready.GetRawText());
    }

    [Fact]
    public async Task Version_is_optional_and_then_the_servers_choice()
    {
        const string Request = """{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1.5]}]}""";

        var chosen = await models.InferAsync(models.Of("FP32"), Request).OkAsync();
        var named = await models.InferAsync($"{models.Of("FP32")}/versions/1", Request).OkAsync();

        Assert.Equal("1", chosen.GetProperty("model_version").GetString());
        Assert.Equal("1", named.GetProperty("model_version").GetString());
    }
}
