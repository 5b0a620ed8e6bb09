using System.Net;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

[Collection(nameof(ProtocolModels))]
public sealed class ConfigurationRules(ProtocolModels models)
{
    [Theory]
    [InlineData("")]
    [InlineData("/versions/1")]
    public async Task Configuration_has_name_platform_backend_and_tensors_without_the_batch(string version)
    {
        var config = await models.GetAsync($"/v2/models/{models.Pair}{version}/config");

        Assert.Equal(models.Pair, config.GetProperty("name").GetString());
        Assert.Equal("onnxruntime_onnx", config.GetProperty("platform").GetString());
        Assert.Equal("onnxruntime", config.GetProperty("backend").GetString());
        Assert.Equal(
            """[{"name":"x","data_type":"TYPE_FP32","dims":[2]},{"name":"s","data_type":"TYPE_STRING","dims":[]}]""",
            config.GetProperty("input").GetRawText());
        Assert.Equal(
            """[{"name":"y","data_type":"TYPE_FP32","dims":[2]},{"name":"t","data_type":"TYPE_STRING","dims":[]}]""",
            config.GetProperty("output").GetRawText());
    }

    [Fact]
    public async Task Configuration_of_a_model_whose_settings_are_silent_is_the_workers()
    {
        var config = await models.GetAsync($"/v2/models/{models.Pair}/config");

        Assert.Equal(32, config.GetProperty("max_batch_size").GetInt32());
        var batching = config.GetProperty("dynamic_batching");
        Assert.Equal(0, batching.GetProperty("max_queue_delay_microseconds").GetInt64());
        Assert.Empty(batching.GetProperty("preferred_batch_size").EnumerateArray());
        var policy = batching.GetProperty("default_queue_policy");
        Assert.Equal(30_000_000, policy.GetProperty("default_timeout_microseconds").GetInt64());
        Assert.True(policy.GetProperty("allow_timeout_override").GetBoolean());
        Assert.False(config.GetProperty("response_cache").GetProperty("enable").GetBoolean());
        Assert.All(config.GetProperty("instance_group").EnumerateArray(), g => Assert.InRange(g.GetProperty("count").GetInt32(), 1, 16));
    }

    [Fact]
    public async Task Configuration_is_that_of_the_settings()
    {
        var model = $"configured-{Guid.NewGuid():N}";
        await models.UploadAsync(model, ProtocolModels.Identity(OnnxModel.Float));
        using var settings = await models.Client.PutAsync(
            $"/v1/models/{model}/settings",
            Digits.Json("""
            {"instances":3,"batching":{"max_size":16,"preferred_sizes":[4,8],"max_delay":"00:00:00.002"},"cache":{"time_to_live":"00:01:00"}}
            """),
            ProtocolModels.Cancellation);
        Assert.Equal(HttpStatusCode.OK, settings.StatusCode);
        await models.KnownAsync($"/v2/models/{model}/config", c => c.GetProperty("max_batch_size").GetInt32() == 16);

        var config = await models.GetAsync($"/v2/models/{model}/config");

        var batching = config.GetProperty("dynamic_batching");
        Assert.Equal("[4,8]", batching.GetProperty("preferred_batch_size").GetRawText());
        Assert.Equal(2_000, batching.GetProperty("max_queue_delay_microseconds").GetInt64());
        Assert.All(config.GetProperty("instance_group").EnumerateArray(), g => Assert.Equal(3, g.GetProperty("count").GetInt32()));
        Assert.True(config.GetProperty("response_cache").GetProperty("enable").GetBoolean());
        using var deleted = await models.Client.DeleteAsync($"/v1/models/{model}", ProtocolModels.Cancellation);
    }

    [Fact]
    public async Task Configuration_of_a_model_with_a_fixed_first_dimension_has_no_batch()
    {
        var model = $"single-{Guid.NewGuid():N}";
        await models.UploadAsync(
            model, new OnnxModel().Input("x", OnnxModel.Float, 3).Output("y", OnnxModel.Float, 3).Node("Identity", ["x"], ["y"]).ToBytes());

        var config = await models.GetAsync($"/v2/models/{model}/config");

        Assert.Equal(0, config.GetProperty("max_batch_size").GetInt32());
        Assert.False(config.TryGetProperty("dynamic_batching", out _));
        Assert.Equal("[3]", config.GetProperty("input")[0].GetProperty("dims").GetRawText());
        using var deleted = await models.Client.DeleteAsync($"/v1/models/{model}", ProtocolModels.Cancellation);
    }
}
