using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class MetadataTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_tells_its_name_version_and_extensions()
    {
        using var client = platform.Admin();

        var server = await (await client.GetAsync("/v2", Cancellation)).JsonAsync();

        Assert.NotEmpty(server.GetProperty("name").GetString()!);
        Assert.Matches("^[0-9]+\\.[0-9]+\\.[0-9]+", server.GetProperty("version").GetString());
        Assert.Equal(JsonValueKind.Array, server.GetProperty("extensions").ValueKind);
    }

    [Fact]
    public async Task Health_answers_without_credentials_under_both_keys()
    {
        using var client = platform.Anonymous();

        foreach (var path in (string[])["/v2/health/live", "/v2/health/ready"])
        {
            using var head = new HttpRequestMessage(HttpMethod.Head, path);
            using var answered = await client.SendAsync(head, Cancellation);
            Assert.Equal(System.Net.HttpStatusCode.OK, answered.StatusCode);
            Assert.Empty(await answered.Content.ReadAsByteArrayAsync(Cancellation));
        }

        using var live = await client.GetAsync("/v2/health/live", Cancellation);
        using var ready = await client.GetAsync("/v2/health/ready", Cancellation);

        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        Assert.True((await live.JsonAsync()).GetProperty("live").GetBoolean());
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        var body = await ready.JsonAsync();
        Assert.True(body.GetProperty("live").GetBoolean());
        Assert.True(body.GetProperty("ready").GetBoolean());
    }

    [Theory]
    [InlineData("/v2/models/digits")]
    [InlineData("/v2/models/digits/versions/1")]
    public async Task Model_tells_what_it_takes_and_gives(string path)
    {
        using var client = platform.Admin();

        var model = await (await client.GetAsync(path, Cancellation)).JsonAsync();

        Assert.Equal("digits", model.GetProperty("name").GetString());
        Assert.Equal("onnxruntime_onnx", model.GetProperty("platform").GetString());
        Assert.Equal(["1", "2", "3"], model.GetProperty("versions").EnumerateArray().Select(v => v.GetString()));
        var input = Assert.Single(model.GetProperty("inputs").EnumerateArray());
        Assert.Equal("image", input.GetProperty("name").GetString());
        Assert.Equal("FP32", input.GetProperty("datatype").GetString());
        Assert.Equal([-1, 8, 8], input.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32()));
        Assert.Equal(
            ["label", "probabilities"],
            model.GetProperty("outputs").EnumerateArray().Select(o => o.GetProperty("name").GetString()).Order());
    }

    [Theory]
    [InlineData("/v2/models/digits/ready")]
    [InlineData("/v2/models/digits/versions/1/ready")]
    public async Task Model_is_ready_while_a_worker_serves_it(string path)
    {
        using var client = platform.Admin();

        // The worker's first heartbeat may be a second away.
        bool ready;
        var wait = Wait.For($"{path} to be ready");
        do
        {
            using var response = await client.GetAsync(path, Cancellation);
            ready = (await response.JsonAsync()).GetProperty("ready").GetBoolean();
            Assert.Equal(ready ? HttpStatusCode.OK : HttpStatusCode.ServiceUnavailable, response.StatusCode);
            await wait.PauseAsync();
        }
        while (!ready);
    }

    [Theory]
    [InlineData("/v2/models/nothing")]
    [InlineData("/v2/models/nothing/ready")]
    [InlineData("/v2/models/digits/versions/9")]
    [InlineData("/v2/models/digits/versions/9/ready")]
    public async Task Model_answers_404_when_unknown(string path)
    {
        using var client = platform.Admin();

        using var response = await client.GetAsync(path, Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("there is no", await response.ErrorAsync(), StringComparison.Ordinal);
    }
}
