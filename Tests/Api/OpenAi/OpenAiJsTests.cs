using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.OpenAi;

/// <summary>OpenAI's own client for Node (npm openai).</summary>
public sealed class OpenAiJsTests(Platform platform, ChatModel model) : IClassFixture<ChatModel>
{
    private static readonly string Folder = Path.Combine(Repository.Root, "Tests", "Api", "OpenAi");

    [Fact]
    public async Task Client_of_node_gets_answers_streams_json_and_errors_unchanged()
    {
        Assert.SkipUnless(
            Directory.Exists(Path.Combine(Folder, "node_modules", "openai")),
            "Needs OpenAI for Node: 'npm install --prefix Tests/Api/OpenAi --no-save openai@6.49.0', which ./test does where npm is.");
        using var http = platform.Admin();
        var (expected, tokens, _) = TinyDecoder.Continue(TinyDecoder.Prompt("Hello there"), 12);

        var got = await ForeignClient.RunAsync("node", Path.Combine(Folder, "openai-client.js"), new { address = new Uri(http.BaseAddress!, "/v1"), key = Platform.AdminKey, model = model.Name });

        Assert.Equal(expected, got.GetProperty("whole").GetString());
        Assert.Equal(expected, got.GetProperty("streamed").GetString());
        Assert.All(got.GetProperty("usage").EnumerateArray(), u => Assert.Equal(tokens, u.GetProperty("completion_tokens").GetInt32()));
        Assert.True(
            got.GetProperty("finish").GetString() == "length" || got.GetProperty("parsed").GetProperty("count").TryGetInt64(out _),
            got.ToString());
        Assert.InRange(got.GetProperty("parts").GetInt32(), 1, 2000);
        Assert.True(got.GetProperty("listed").GetBoolean());
        Assert.Equal(model.Name, got.GetProperty("retrieved").GetString());
        Assert.Equal((404, "model_not_found"), Refused("unknown_model", "There is no model 'no-such'."));
        Assert.Equal((404, "model_not_found"), Refused("unknown_chat", "there is no model 'no-such'"));
        Assert.Equal((401, "invalid_api_key"), Refused("stranger", "the API key is unknown"));
        Assert.Equal((404, "unknown_url"), Refused("not_served", "POST /v1/responses"));

        (int, string?) Refused(string name, string reason)
        {
            var refusal = got.GetProperty(name);
            Assert.Contains(reason, refusal.GetProperty("message").GetString(), StringComparison.Ordinal);
            return (refusal.GetProperty("status").GetInt32(), refusal.GetProperty("code").GetString());
        }
    }
}
