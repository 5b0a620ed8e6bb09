using System.ClientModel;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using ChatFinishReason = OpenAI.Chat.ChatFinishReason;
using ChatResponseFormat = OpenAI.Chat.ChatResponseFormat;

namespace InferenceTemplate.Tests.Api;

/// <summary>Answers by a schema, and calls of tools, by clients that others wrote for OpenAI.</summary>
public sealed class ChatFormTests(Platform platform, ToolModel model, ChatModel plain) : IClassFixture<ToolModel>, IClassFixture<ChatModel>
{
    private const string Weather = """
        {"type":"function","function":{"name":"weather","parameters":{"type":"object",
         "properties":{"city":{"enum":["Rome","Oslo"]}},"required":["city"],"additionalProperties":false}}}
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_of_openai_gets_json_of_its_schema()
    {
        var schema = BinaryData.FromString("""
            {"type":"object","properties":{"ok":{"type":"boolean"},"which":{"enum":["x","y"]}},"required":["ok","which"],
             "additionalProperties":false}
            """);
        var options = new ChatCompletionOptions
        {
            Temperature = 0,
            MaxOutputTokenCount = 200,
            ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat("answer", schema, jsonSchemaIsStrict: true),
        };

        var answer = (await Client().CompleteChatAsync([new UserChatMessage("Hi")], options, Cancellation)).Value;
        var streamed = "";
        await foreach (var update in Client().CompleteChatStreamingAsync([new UserChatMessage("Hi")], options, Cancellation))
        {
            streamed += string.Concat(update.ContentUpdate.Select(p => p.Text));
        }

        var json = JsonDocument.Parse(answer.Content[0].Text).RootElement;
        Assert.Equal(["ok", "which"], json.EnumerateObject().Select(p => p.Name));
        Assert.Contains(json.GetProperty("which").GetString(), (string[])["x", "y"]);
        Assert.Equal(answer.Content[0].Text, streamed);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
    }

    [Fact]
    public async Task Object_is_begun_where_any_json_is_asked_for()
    {
        using var client = platform.Admin();

        var answer = await AnswerAsync(client, $$"""
            {"model":"{{model.Name}}","messages":[{"role":"user","content":"x"}],"max_tokens":20,"temperature":0,
             "response_format":{"type":"json_object"} }
            """);

        Assert.StartsWith("{", answer.GetProperty("message").GetProperty("content").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_has_an_id_and_a_reason_of_its_own(bool stream)
    {
        using var client = platform.Admin();
        using var response = await client.PostAsync("/v1/chat/completions", Digits.Json($$"""
            {"model":"{{model.Name}}","messages":[{"role":"user","content":"x"}],"max_tokens":100,"temperature":0,
             "stream":{{(stream ? "true" : "false")}},"tools":[{{Weather}}],"tool_choice":"required","parallel_tool_calls":false}
            """), Cancellation);
        var body = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);

        var choices = (stream ? ChatModel.Events(body)[..^1] : [body])
            .Select(e => JsonDocument.Parse(e).RootElement.GetProperty("choices")[0]).ToList();
        var message = choices.Select(c => c.GetProperty(stream ? "delta" : "message"))
            .Single(m => m.TryGetProperty("tool_calls", out _));
        var call = Assert.Single(message.GetProperty("tool_calls").EnumerateArray());
        Assert.Equal("tool_calls", choices[^1].GetProperty("finish_reason").GetString());
        Assert.Equal("weather", call.GetProperty("function").GetProperty("name").GetString());
        Assert.StartsWith("call_", call.GetProperty("id").GetString(), StringComparison.Ordinal);
        var arguments = JsonDocument.Parse(call.GetProperty("function").GetProperty("arguments").GetString()!).RootElement;
        Assert.Contains(arguments.GetProperty("city").GetString(), (string[])["Rome", "Oslo"]);
        Assert.True(stream || message.GetProperty("content").ValueKind == JsonValueKind.Null);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Chat_client_of_microsoft_extensions_ai_calls_the_function_and_sends_what_it_says(bool stream)
    {
        List<City> asked = [];
        var weather = AIFunctionFactory.Create(
            (City city) =>
            {
                asked.Add(city);
                return $"rain in {city}";
            },
            "weather");
        using var client = Client().AsIChatClient().AsBuilder().UseFunctionInvocation().Build();
        var options = new Microsoft.Extensions.AI.ChatOptions
        {
            Tools = [weather],
            ToolMode = ChatToolMode.RequireSpecific("weather"),
            Temperature = 0,
            MaxOutputTokens = 100,
        };

        var response = stream
            ? await client.GetStreamingResponseAsync("x", options, Cancellation).ToChatResponseAsync(Cancellation)
            : await client.GetResponseAsync("x", options, Cancellation);

        var city = Assert.Single(asked);
        var call = Assert.Single(response.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>());
        var result = Assert.Single(response.Messages.SelectMany(m => m.Contents).OfType<FunctionResultContent>());
        Assert.Equal(("weather", call.CallId), (call.Name, result.CallId));

        // The template writes who was called, with what, and what came of it, which is sent as JSON; from there the model goes on.
        var prompt = "<|im_start|>system\nweather\n<|im_end|>\n<|im_start|>user\nx<|im_end|>\n"
            + $"<|im_start|>assistant\nweather {city}<|im_end|>\n<|im_start|>tool\n{JsonSerializer.Serialize(result.Result)}<|im_end|>\n"
            + "<|im_start|>assistant\n";
        Assert.Equal(TinyDecoder.Continue(prompt, 100).Text, response.Messages[^1].Text);
    }

    [JsonConverter(typeof(JsonStringEnumConverter<City>))]
    private enum City
    {
        Rome,
        Oslo,
    }

    [Fact]
    public async Task Model_whose_template_has_no_tools_refuses_them()
    {
        using var client = platform.Admin();
        using var response = await client.PostAsync("/v1/chat/completions", Digits.Json($$"""
            {"model":"{{plain.Name}}","messages":[{"role":"user","content":"x"}],"tools":[{{Weather}}]}
            """), Cancellation);

        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(
            ("tools: the chat template of the model takes none", "tools"),
            (error.GetProperty("message").GetString(), error.GetProperty("param").GetString()));
    }

    [Theory]
    [InlineData("\"response_format\":{\"type\":\"xml\"}", "response_format.type", "json_schema expected")]
    [InlineData("\"response_format\":{\"type\":\"json_object\",\"more\":1}", "response_format.more", "not supported")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\"}}",
        "response_format.json_schema.schema", "missing")]
    [InlineData(
        "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"pattern\":\"a\"}}}",
        "response_format", "'pattern' is not supported")]
    [InlineData("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":{\"multipleOf\":9999999}}}",
        "response_format", "'multipleOf' is not supported")]
    [InlineData("\"response_format\":{\"type\":\"json_object\"},\"tools\":[WW]", "response_format", "can't be combined with tools")]
    [InlineData("\"tools\":[{\"type\":\"search\"}]", "tools[0]", "'function'")]
    [InlineData("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]", "tools[0].function.name", "1 to 64 letters")]
    [InlineData("\"tools\":[WW],\"tool_choice\":\"maybe\"", "tool_choice", "none, auto, required")]
    [InlineData(
        "\"tools\":[WW],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"no\"}}", "tool_choice", "none of the tools")]
    [InlineData("\"tool_choice\":\"required\"", "tool_choice", "there are no tools")]
    [InlineData("\"logprobs\":true", "logprobs", "not supported")]
    public async Task Form_that_can_not_be_kept_is_refused_by_the_name_of_the_field(string field, string param, string reason)
    {
        using var client = platform.Admin();
        var more = field.Replace("WW", Weather, StringComparison.Ordinal);
        using var response = await client.PostAsync(
            "/v1/chat/completions",
            Digits.Json($$"""{"model":"{{model.Name}}","messages":[{"role":"user","content":"x"}],{{more}}}"""), Cancellation);

        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, error.ToString());
        Assert.Contains(reason, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(param, error.GetProperty("param").GetString());
    }

    [Theory]
    [InlineData("""{"type":"object","description":"\ud800"}""")]
    [InlineData("""{"enum":[{"a":"\udc00"}]}""")]
    [InlineData("""{"type":"object","properties":{"\ud800":{"type":"string"}}}""")]
    public async Task Half_a_character_anywhere_in_a_schema_is_refused(string schema)
    {
        using var client = platform.Admin();
        using var response = await client.PostAsync(
            "/v1/chat/completions",
            Digits.Json($$$"""
                {"model":"{{{model.Name}}}","messages":[{"role":"user","content":"x"}],
                 "response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{{{schema}}} } } }
                """), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("surrogate pair", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"role":"assistant","content":null,"reasoning_content":"hm"}""")]
    [InlineData("""{"role":"assistant"}""")]
    [InlineData("""
        {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"now","arguments":""}}]},
        {"role":"tool","tool_call_id":"1","content":"noon"}
        """)]
    public async Task Turn_that_other_servers_answer_is_taken_back(string turn)
    {
        using var client = platform.Admin();

        var choice = await AnswerAsync(client, $$"""
            {"model":"{{model.Name}}","messages":[{"role":"user","content":"x"},{{turn}},{"role":"user","content":"y"}],"max_tokens":2,
             "tools":[{{Weather}}],"parallel_tool_calls":false,"stream_options":{"continuous_usage_stats":false} }
            """);

        Assert.Equal("assistant", choice.GetProperty("message").GetProperty("role").GetString());
    }

    private ChatClient Client()
    {
        using var http = platform.Anonymous();
        return new OpenAIClient(
            new ApiKeyCredential(Platform.AdminKey), new OpenAIClientOptions { Endpoint = new Uri(http.BaseAddress!, "v1") })
            .GetChatClient(model.Name);
    }

    private static async Task<JsonElement> AnswerAsync(HttpClient client, string body)
    {
        using var response = await client.PostAsync("/v1/chat/completions", Digits.Json(body), Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync(Cancellation));
        return (await response.JsonAsync()).GetProperty("choices")[0];
    }
}

/// <summary>The tiny decoder with a chat template that takes tools.</summary>
public sealed class ToolModel(Platform platform) : IAsyncLifetime
{
    public string Name { get; } = $"tools-{Guid.NewGuid():N}"[..16];

    public async ValueTask InitializeAsync()
    {
        using var admin = platform.Admin();
        var version = await ChatModel.UploadAsync(admin, Name, TinyDecoder.Files(template: TinyDecoder.ToolTemplate));
        Assert.True(version.GetProperty("state").GetString() == "ready", version.ToString());
        await admin.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{Name}"), response => Task.FromResult(response.IsSuccessStatusCode));
    }

    public async ValueTask DisposeAsync()
    {
        using var admin = platform.Admin();
        using var deleted = await admin.DeleteAsync($"/v1/models/{Name}");
    }
}
