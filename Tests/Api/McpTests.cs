using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace InferenceTemplate.Tests.Api;

/// <summary>An agent's own client, as the protocol's authors publish it.</summary>
public sealed class McpTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Agent_finds_a_model_and_runs_it()
    {
        await using var agent = await AgentAsync(Platform.AdminKey);

        var models = await AnswerAsync(agent, "list_models");
        var model = await AnswerAsync(agent, "get_model", ("model", "digits"));
        var ready = await AnswerAsync(agent, "is_model_ready", ("model", "digits"));
        var answer = await AnswerAsync(
            agent, "infer", ("model", "digits"), ("inputs", Image(Digits.HeldOut[0].Pixels)), ("outputs", new[] { "label" }));
        var health = await AnswerAsync(agent, "get_health");
        var queues = await AnswerAsync(agent, "list_queues");

        Assert.Contains("digits", models.GetProperty("models").EnumerateArray().Select(m => m.GetString()));
        Assert.Equal("image", model.GetProperty("inputs")[0].GetProperty("name").GetString());
        Assert.True(ready.GetProperty("ready").GetBoolean());
        var output = Assert.Single(answer.GetProperty("outputs").EnumerateArray());
        Assert.Equal(("label", Digits.HeldOut[0].Label), (output.GetProperty("name").GetString(), output.GetProperty("data")[0].GetInt32()));
        Assert.True(health.GetProperty("ready").GetBoolean());
        Assert.Contains("digits", queues.GetProperty("queues").EnumerateArray().Select(q => q.GetProperty("model").GetString()));
    }

    [Fact]
    public async Task Inputs_have_a_type_and_are_read_from_a_text_too()
    {
        await using var agent = await AgentAsync(Platform.AdminKey);
        var infer = (await agent.ListToolsAsync(cancellationToken: Cancellation)).Single(tool => tool.Name == "infer");

        var answer = await AnswerAsync(
            agent, "infer", ("model", "digits"),
            ("inputs", JsonSerializer.Serialize(Image(Digits.HeldOut[0].Pixels), JsonSerializerOptions.Web)),
            ("outputs", new[] { "label" }));

        var inputs = infer.JsonSchema.GetProperty("properties").GetProperty("inputs");
        Assert.Equal("array", inputs.GetProperty("type").GetString());
        Assert.Equal("object", inputs.GetProperty("items").GetProperty("type").GetString());
        Assert.Contains("row-major", inputs.GetProperty("description").GetString(), StringComparison.Ordinal);
        Assert.Equal(Digits.HeldOut[0].Label, answer.GetProperty("outputs")[0].GetProperty("data")[0].GetInt32());
    }

    [Fact]
    public async Task Agent_without_a_key_is_refused()
    {
        var failure = await Assert.ThrowsAnyAsync<Exception>(() => AgentAsync("nonsense"));

        Assert.Equal(HttpStatusCode.Unauthorized, Assert.IsType<HttpRequestException>(failure.GetBaseException()).StatusCode);
    }

    [Fact]
    public async Task Agent_does_not_see_what_its_key_may_not_use()
    {
        using var admin = platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("user", models: ["another"]);
        await using var agent = await AgentAsync(key);

        var tools = await agent.ListToolsAsync(cancellationToken: Cancellation);
        var models = await AnswerAsync(agent, "list_models");

        Assert.DoesNotContain("list_queues", tools.Select(t => t.Name));
        Assert.DoesNotContain("digits", models.GetProperty("models").EnumerateArray().Select(m => m.GetString()));
        foreach (var tool in (string[])["get_model", "is_model_ready"])
        {
            Assert.Equal(await ErrorAsync(agent, tool, ("model", "absent")), await HiddenAsync(tool));
        }

        Assert.Equal(
            await ErrorAsync(agent, "infer", ("model", "absent"), ("inputs", Image(Digits.HeldOut[0].Pixels))),
            await HiddenAsync("infer", ("inputs", Image(Digits.HeldOut[0].Pixels))));
        await Assert.ThrowsAnyAsync<Exception>(() => CallAsync(agent, "list_queues"));

        async Task<string> HiddenAsync(string tool, params (string, object)[] more) =>
            (await ErrorAsync(agent, tool, [("model", "digits"), .. more])).Replace("digits", "absent", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_that_does_not_fit_is_refused_in_the_words_of_rest()
    {
        await using var agent = await AgentAsync(Platform.AdminKey);
        using var client = platform.Admin();
        using var rest = await client.PostAsync(
            "/v2/models/digits/infer",
            Digits.Json($$"""{"inputs":{{JsonSerializer.Serialize(Image([1, 2, 3]), JsonSerializerOptions.Web)}}}"""), Cancellation);
        using var body = JsonDocument.Parse(await rest.Content.ReadAsStringAsync(Cancellation));

        var error = await ErrorAsync(agent, "infer", ("model", "digits"), ("inputs", Image([1, 2, 3])));

        Assert.Equal(body.RootElement.GetProperty("error").GetString(), error);
        Assert.Contains(
            "element 0 is not valid UTF-8",
            await ErrorAsync(
                agent, "infer", ("model", "digits"),
                ("inputs", """[{"name":"image","datatype":"BYTES","shape":[1],"data":["\ud800"]}]""")),
            StringComparison.Ordinal);
        Assert.Equal("inputs: an array expected, a string given", await ErrorAsync(agent, "infer", ("model", "digits"), ("inputs", "x")));
    }

    [Fact]
    public async Task Answer_that_no_agent_could_read_is_an_error()
    {
        using var admin = platform.Admin();
        var name = $"wide-{Guid.NewGuid():N}";
        await UploadAsync(admin, name);
        await using var agent = await AgentAsync(Platform.AdminKey);

        var numbers = Enumerable.Repeat(0.5f, 65_537).ToArray();
        var error = await ErrorAsync(
            agent, "infer", ("model", name), ("inputs", new[] { new Tensor("x", [numbers.Length], "FP32", numbers) }));

        Assert.StartsWith("the outputs have 262148 bytes, 262144 at most are answered here", error, StringComparison.Ordinal);
    }

    private static async Task UploadAsync(HttpClient admin, string name)
    {
        var file = new OnnxModel().Input("x", OnnxModel.Float, -1).Output("y", OnnxModel.Float, -1).Node("Identity", ["x"], ["y"]);
        using var content = new ByteArrayContent(file.ToBytes());
        using var uploaded = await admin.PostAsync($"/v1/models/{name}/versions", content, Cancellation);
        Assert.True(uploaded.IsSuccessStatusCode, await uploaded.Content.ReadAsStringAsync(Cancellation));
        await Wait.UntilAsync(async () =>
        {
            using var ready = await admin.GetAsync($"/v2/models/{name}/ready", Cancellation);
            return ready.IsSuccessStatusCode;
        });
        await admin.KnownAsync(name);
    }

    private static Tensor[] Image(float[] pixels) => [new("image", [1, 8, 8], "FP32", pixels)];

    private Task<McpClient> AgentAsync(string key) => McpClient.CreateAsync(
        new HttpClientTransport(new HttpClientTransportOptions
        {
            Endpoint = new Uri(platform.Anonymous().BaseAddress!, "/mcp"),
            TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = new Dictionary<string, string> { ["Authorization"] = $"Bearer {key}" },
        }),
        cancellationToken: Cancellation);

    private static async Task<JsonElement> AnswerAsync(McpClient agent, string tool, params (string Name, object Value)[] arguments)
    {
        var result = await CallAsync(agent, tool, arguments);
        Assert.True(result.IsError != true, Text(result));
        return JsonSerializer.Deserialize<JsonElement>(Text(result));
    }

    private static async Task<string> ErrorAsync(McpClient agent, string tool, params (string Name, object Value)[] arguments)
    {
        var result = await CallAsync(agent, tool, arguments);
        Assert.True(result.IsError == true, Text(result));
        return Text(result);
    }

    private static async Task<CallToolResult> CallAsync(McpClient agent, string tool, params (string Name, object Value)[] arguments) =>
        await agent.CallToolAsync(tool, arguments.ToDictionary(a => a.Name, a => (object?)a.Value), cancellationToken: Cancellation);

    private static string Text(CallToolResult result) => Assert.IsType<TextContentBlock>(Assert.Single(result.Content)).Text;

    // As JSON by the client's own options.
    private sealed record Tensor(string Name, int[] Shape, string Datatype, float[] Data);
}
