using System.ClientModel;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using ChatFinishReason = OpenAI.Chat.ChatFinishReason;

namespace InferenceTemplate.Tests.Api;

/// <summary>Chat and completions of a model whose every token is known, by HTTP and by the clients that others wrote for OpenAI.</summary>
public sealed class ChatTests(Platform platform, ChatModel model) : IClassFixture<ChatModel>
{
    private const string Question = "Hello there";
    private const int Most = 60;

    private static readonly (string Text, int Tokens, bool Ended) s_expected = TinyDecoder.Continue(TinyDecoder.Prompt(Question), Most);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_of_openai_gets_an_answer_unchanged()
    {
        var client = OpenAi().GetChatClient(model.Name);

        var answer = (await client.CompleteChatAsync([new UserChatMessage(Question)], Options(), Cancellation)).Value;
        var cut = (await client.CompleteChatAsync([new UserChatMessage(Question)], Options(most: 5), Cancellation)).Value;

        Assert.True(s_expected.Ended);
        Assert.Equal((s_expected.Text, ChatFinishReason.Stop), (Assert.Single(answer.Content).Text, answer.FinishReason));
        Assert.Equal(
            (TinyDecoder.Count(TinyDecoder.Prompt(Question)), s_expected.Tokens),
            (answer.Usage.InputTokenCount, answer.Usage.OutputTokenCount));
        Assert.Equal($"{model.Name}:1", answer.Model);
        Assert.StartsWith("chatcmpl-", answer.Id, StringComparison.Ordinal);
        Assert.Equal(
            (TinyDecoder.Continue(TinyDecoder.Prompt(Question), 5).Text, ChatFinishReason.Length, 5),
            (cut.Content[0].Text, cut.FinishReason, cut.Usage.OutputTokenCount));
    }

    [Fact]
    public async Task Client_of_openai_gets_the_same_answer_in_parts()
    {
        var client = OpenAi().GetChatClient(model.Name);
        List<StreamingChatCompletionUpdate> updates = [];

        await foreach (var update in client.CompleteChatStreamingAsync([new UserChatMessage(Question)], Options(), Cancellation))
        {
            updates.Add(update);
        }

        Assert.Equal(s_expected.Text, string.Concat(updates.SelectMany(u => u.ContentUpdate).Select(p => p.Text)));
        Assert.Equal(ChatFinishReason.Stop, updates.Last(u => u.FinishReason is not null).FinishReason);
        Assert.Equal(s_expected.Tokens, updates[^1].Usage.OutputTokenCount);
    }

    [Fact]
    public async Task Chat_client_of_microsoft_extensions_ai_gets_both_unchanged()
    {
        using var client = OpenAi().GetChatClient($"{model.Name}:1").AsIChatClient();
        var options = new ChatOptions { Temperature = 0, MaxOutputTokens = Most };

        var whole = await client.GetResponseAsync(Question, options, Cancellation);
        var parts = await client.GetStreamingResponseAsync(Question, options, Cancellation).ToChatResponseAsync(Cancellation);

        Assert.Equal(s_expected.Text, whole.Text);
        Assert.Equal(s_expected.Text, parts.Text);
        Assert.Equal(
            (Microsoft.Extensions.AI.ChatFinishReason.Stop, (long?)s_expected.Tokens),
            (whole.FinishReason, whole.Usage!.OutputTokenCount));
        Assert.Equal((whole.FinishReason, whole.Usage.TotalTokenCount), (parts.FinishReason, parts.Usage!.TotalTokenCount));
    }

    [Fact]
    public async Task First_stream_of_a_model_that_is_not_open_comes_in_parts()
    {
        using var client = platform.Admin();
        var name = $"cold-{Guid.NewGuid():N}"[..16];
        var version = await ChatModel.UploadAsync(client, name, TinyDecoder.Files(ends: false));
        Assert.True(version.GetProperty("state").GetString() == "ready", version.ToString());
        await client.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{name}"), response => Task.FromResult(response.IsSuccessStatusCode));

        var texts = ChatModel.Texts(await StreamAsync(client, Body(name, Question, 2000)));

        Assert.True(texts.Length >= 4, $"{texts.Length} parts");
        Assert.Equal(TinyDecoder.Continue(TinyDecoder.Prompt(Question), 2000, ends: false).Text, string.Concat(texts));
        using var deleted = await client.DeleteAsync($"/v1/models/{name}", Cancellation);
    }

    [Fact]
    public async Task Many_streams_at_once_are_each_their_own()
    {
        using var client = platform.Admin();
        var questions = Enumerable.Range(0, 32).Select(i => $"question {i}").ToList();

        var answers = await Task.WhenAll(questions.Select(async question =>
            string.Concat(ChatModel.Texts(await StreamAsync(client, Body(model.Name, question, Most))))));

        Assert.Equal(questions.Select(q => TinyDecoder.Continue(TinyDecoder.Prompt(q), Most).Text), answers);
    }

    [Fact]
    public async Task Stream_tells_how_its_tenant_stands()
    {
        var tenant = await TestTenant.CreateAsync(platform, "\"requests_per_minute\":600,\"burst\":5");
        using var client = await tenant.ClientAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = Digits.Json(Body(model.Name, Question, Most)),
        };

        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("600", response.Headers.GetValues("RateLimit-Limit").Single());
        Assert.Equal("4", response.Headers.GetValues("RateLimit-Remaining").Single());
    }

    [Fact]
    public async Task Stream_is_events_that_end_with_a_reason_and_the_usage()
    {
        using var client = platform.Admin();

        var events = await StreamAsync(client, Body(model.Name, Question, Most, "\"stream_options\":{\"include_usage\":true},"));

        Assert.Equal("[DONE]", events[^1]);
        var chunks = events[..^1].Select(e => JsonDocument.Parse(e).RootElement).ToList();
        Assert.Equal("assistant", chunks[0].GetProperty("choices")[0].GetProperty("delta").GetProperty("role").GetString());
        Assert.Equal("stop", chunks[^2].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal(0, chunks[^1].GetProperty("choices").GetArrayLength());
        Assert.Equal(s_expected.Tokens, chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.All(chunks, c => Assert.Equal(chunks[0].GetProperty("id").GetString(), c.GetProperty("id").GetString()));
        Assert.All(chunks[..^1], c => Assert.Equal(JsonValueKind.Null, c.GetProperty("usage").ValueKind));
        Assert.All(
            chunks[..^2], c => Assert.Equal(JsonValueKind.Null, c.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind));
    }

    [Fact]
    public async Task Completion_goes_on_with_a_prompt_and_ends_before_a_stop_text()
    {
        using var client = platform.Admin();
        var expected = TinyDecoder.Continue("The the", 40, ends: false).Text;

        var answer = await OkAsync(client, "/v1/completions", $$"""
            {"model":"{{model.Endless}}","prompt":"The the","max_tokens":40,"temperature":0,"stop":["{{expected[10..13]}}"],"user":"x",
             "n":1,"repetition_penalty":1.0,"ignore_eos":false}
            """);
        var short16 = await OkAsync(client, "/v1/completions", $$"""{"model":"{{model.Endless}}","prompt":"The the","temperature":0}""");
        using var stream = await client.PostAsync(
            "/v1/completions",
            Digits.Json($$"""{"model":"{{model.Endless}}","prompt":"The the","max_tokens":40,"temperature":0,"stream":true}"""),
            Cancellation);
        var events = ChatModel.Events(await stream.Content.ReadAsStringAsync(Cancellation));

        Assert.Equal(16, short16.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        var choice = answer.GetProperty("choices")[0];
        Assert.Equal(
            (expected[..expected.IndexOf(expected[10..13], StringComparison.Ordinal)], "stop"),
            (choice.GetProperty("text").GetString(), choice.GetProperty("finish_reason").GetString()));
        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal(expected, string.Concat(events[..^1].Select(
            e => JsonDocument.Parse(e).RootElement.GetProperty("choices")[0].GetProperty("text").GetString())));
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData("[{0}]")]
    public async Task Completion_goes_on_with_tokens_as_with_their_text(string form)
    {
        using var client = platform.Admin();
        var prompt = form.Replace("{0}", JsonSerializer.Serialize(TinyDecoder.Encode("The the")), StringComparison.Ordinal);

        var answer = await OkAsync(
            client, "/v1/completions", $$"""{"model":"{{model.Endless}}","prompt":{{prompt}},"max_tokens":40,"temperature":0}""");

        Assert.Equal(
            TinyDecoder.Continue("The the", 40, ends: false).Text, answer.GetProperty("choices")[0].GetProperty("text").GetString());
        Assert.Equal(TinyDecoder.Count("The the"), answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Theory]
    [InlineData("[0,265]", "prompt: it has the token id 265 at 1; those of the model are 0 to 264")]
    [InlineData("[-1]", "prompt: it has the token id -1 at 0")]
    [InlineData("[]", "prompt: no token comes of it")]
    [InlineData("[1,\"x\"]", "prompt: one text, or an array of ids")]
    [InlineData("[1.5]", "prompt: one text, or an array of ids")]
    [InlineData("[[1],[2]]", "several prompts are not supported")]
    [InlineData("{}", "prompt: one text, or an array of ids")]
    public async Task Prompt_that_can_not_be_is_refused(string prompt, string reason)
    {
        using var client = platform.Admin();

        using var response = await client.PostAsync(
            "/v1/completions", Digits.Json($$"""{"model":"{{model.Name}}","prompt":{{prompt}},"max_tokens":1}"""), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.Contains(reason, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("prompt", error.GetProperty("param").GetString());
    }

    [Fact]
    public async Task Protocol_of_open_inference_reaches_the_same_model()
    {
        using var client = platform.Admin();
        var request = JsonSerializer.Serialize(
            """{"messages":[{"role":"user","content":"Hello there"}],"temperature":0,"max_tokens":60}""");

        var answer = await OkAsync(client, $"/v2/models/{model.Name}/infer", $$"""
            {"inputs":[{"name":"request","datatype":"BYTES","shape":[1],"data":[{{request}}]}]}
            """);

        Assert.Equal([s_expected.Text], answer.Output("text").Data<string>());
        Assert.Equal(s_expected.Tokens, answer.Output("usage").Data<long>()[1]);
    }

    [Theory]
    [InlineData("""{"model":"M"}""", "messages", "messages: it is missing")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}]}""", "model", "model: it is missing")]
    [InlineData("""{"model":"M","messages":[]}""", "messages", "messages: an array of 1 to")]
    [InlineData("""{"model":"M","messages":[{"role":"bot","content":"x"}]}""", "messages[0].role", "'bot' given")]
    [InlineData("""{"model":"M","messages":[{"role":"tool","content":"x"}]}""", "messages[0].tool_call_id", "it is missing")]
    [InlineData("""{"model":"M","messages":[{"role":"assistant","tool_calls":[{"id":"1"}]}]}""", "messages[0].tool_calls[0]", "a function")]
    [InlineData("""{"model":"M","messages":[{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"f","arguments":"5"}}]}]}""",
        "messages[0].tool_calls[0].function.arguments", "an object as JSON")]
    [InlineData("""{"model":"M","messages":[{"role":"user"}]}""", "messages[0].content", "it is missing")]
    [InlineData("""{"model":"M","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}""",
        "messages[0].content[0].type", "only text is supported")]
    [InlineData("""{"model":"M","messages":[{"role":"assistant","content":"x","audio":{"id":"a"}}]}""", "messages[0].audio", "not supported")]
    [InlineData("""{"model":"M","messages":[{"role":"user","content":"\ud800"}]}""", null, "half a surrogate pair")]
    [InlineData("""{"model":"M","messages":MM,"n":2}""", "n", "n: it is not supported here")]
    [InlineData("""{"model":"M","messages":MM,"logprobs":true}""", "logprobs", "not supported")]
    [InlineData("""{"model":"M","messages":MM,"frequency_penalty":0.5}""", "frequency_penalty", "not supported")]
    [InlineData("""{"model":"M","messages":MM,"logit_bias":{"5":1}}""", "logit_bias", "not supported")]
    [InlineData("""{"model":"M","messages":MM,"no_such_thing":1}""", "no_such_thing", "not supported")]
    [InlineData("""{"model":"M","messages":MM,"stream_options":{"more":1}}""", "stream_options.more", "not supported")]
    [InlineData("""{"model":"M","messages":MM,"temperature":0,"temperature":1}""", null, "Duplicate property 'temperature'")]
    [InlineData("""{"model":"M","messages":[{"role":"user","content":"x","content":"y"}]}""", null, "Duplicate property 'content'")]
    [InlineData("""{"model":"M","messages":MM,"temperature":3}""", "temperature", "temperature: 3 given, 0 to 2 are possible")]
    [InlineData("""{"model":"M","messages":MM,"top_p":-1}""", "top_p", "top_p: -1 given")]
    [InlineData("""{"model":"M","messages":MM,"max_tokens":0}""", "max_tokens", "1 or more expected")]
    [InlineData("""{"model":"M","messages":MM,"max_tokens":5,"max_completion_tokens":6}""", "max_completion_tokens", "another number")]
    [InlineData("""{"model":"M","messages":MM,"max_tokens":4097}""", "max_tokens", "up to 4096 are possible here (Generation:MaxTokens)")]
    [InlineData("""{"model":"M","messages":MM,"seed":1.5}""", "seed", "whole number")]
    [InlineData("""{"model":"M","messages":MM,"stop":["a","b","c","d","e"]}""", "stop", "up to 4")]
    [InlineData("""{"model":"M","messages":MM,"stop":""}""", "stop", "1 to 256 characters")]
    [InlineData("""{"model":"M","messages":MM,"stream":"yes"}""", "stream", "true or false expected")]
    [InlineData("""{"model":"digits","messages":MM}""", "model", "'digits' version 1 does not generate text")]
    [InlineData("""["x"]""", null, "an object expected")]
    [InlineData("{", null, "the body can't be read")]
    public async Task Request_that_can_not_be_answered_is_refused_by_the_name_of_the_field(string body, string? field, string reason)
    {
        using var client = platform.Admin();
        using var content = Digits.Json(Filled(body));

        using var response = await client.PostAsync("/v1/chat/completions", content, Cancellation);

        var error = (await response.JsonAsync()).GetProperty("error");
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, error.ToString());
        Assert.Contains(reason, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(("invalid_request_error", field), (error.GetProperty("type").GetString(), error.GetProperty("param").GetString()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Parameters_that_change_nothing_are_taken_and_errors_before_a_stream_are_answers(bool stream)
    {
        using var client = platform.Admin();
        var tooLong = string.Concat(Enumerable.Repeat("x1! ", TinyDecoder.ContextLength));

        using var neutral = await client.PostAsync("/v1/chat/completions", Digits.Json(Filled("""
            {"model":"M","messages":[{"role":"developer","content":[{"type":"text","text":"a"}]}],"n":1,"logprobs":false,"tools":[],
             "tool_choice":"none","response_format":{"type":"text"},"frequency_penalty":0,"presence_penalty":0,"logit_bias":{},
             "stop":null,"verbosity":"medium","reasoning_effort":"none","top_k":-1,"min_p":0,
             "store":false,"metadata":{"a":"b"},"user":"u","max_completion_tokens":3,"seed":7,"temperature":0.7,"top_p":0.9}
            """)), Cancellation);
        using var refused = await client.PostAsJsonAsync(
            "/v1/chat/completions",
            new { model = model.Name, messages = new[] { new { role = "user", content = tooLong } }, stream }, Cancellation);

        Assert.Equal(HttpStatusCode.OK, neutral.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        var error = (await refused.JsonAsync()).GetProperty("error");
        Assert.Equal(
            ("context_length_exceeded", "messages"), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
        Assert.Contains(
            $"messages: {TinyDecoder.Count(TinyDecoder.Prompt(tooLong))} tokens, and 1 to generate, are more than the context of the "
            + $"model, which is {TinyDecoder.ContextLength} tokens",
            error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_mutated_request_is_an_answer_or_a_4xx_with_its_reason()
    {
        var mutations = new Mutations(20261130);
        (byte[], string?)[] seeds =
        [
            (Encoding.UTF8.GetBytes(Body(model.Name, Question, 5, "\"stop\":[\"ab\",\"c\"],\"seed\":7,\"top_p\":0.5,")), null),
            (Encoding.UTF8.GetBytes(Filled("""
                {"model":"M","messages":[{"role":"system","content":"a"},{"role":"user","content":[{"type":"text","text":"\u00e9"}]}],
                 "max_completion_tokens":4,"n":1,"tools":[],"response_format":{"type":"text"},"stream_options":{"include_usage":true}}
                """)), null),
            (Encoding.UTF8.GetBytes(Filled("""
                {"model":"M","messages":[{"role":"user","content":"a"}],"max_tokens":8,"response_format":{"type":"json_schema",
                 "json_schema":{"name":"n","strict":true,"schema":{"type":"object",
                 "properties":{"a":{"enum":["x",1]},"b":{"$ref":"#/$defs/d"}},
                 "required":["a"],"additionalProperties":false,"$defs":{"d":{"type":"array","items":{"type":"integer"},"maxItems":3}}}}}}
                """)), null),
            (Encoding.UTF8.GetBytes(Filled("""
                {"model":"M","messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f",
                 "arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"1","content":"b"}],"max_tokens":2,"tool_choice":"required",
                 "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}]}
                """)), null),
        ];
        using var client = platform.Admin();
        var bodies = Enumerable.Range(0, 1000).Select(_ => mutations.Next(seeds).Body).ToList();

        await Parallel.ForEachAsync(bodies, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (body, _) =>
        {
            using var response = await client.PostAsync("/v1/chat/completions", new ByteArrayContent(body), Cancellation);
            var text = await response.Content.ReadAsStringAsync(Cancellation);
            var shown = $"{Convert.ToBase64String(body)}: {(int)response.StatusCode} {text}";
            if (response.StatusCode != HttpStatusCode.OK)
            {
                Assert.True((int)response.StatusCode is >= 400 and < 500, shown);
                var error = JsonDocument.Parse(text).RootElement.GetProperty("error");
                Assert.False(string.IsNullOrWhiteSpace(error.GetProperty("message").GetString()), shown);
            }
            else if (response.Content.Headers.ContentType!.MediaType == "text/event-stream")
            {
                Assert.True(ChatModel.Events(text)[^1] == "[DONE]", shown);
            }
        });
    }

    [Fact]
    public async Task Streams_and_idempotency_keys_do_not_go_together()
    {
        using var client = platform.Admin();
        client.DefaultRequestHeaders.Add("Idempotency-Key", Guid.NewGuid().ToString());

        using var response = await client.PostAsync("/v1/chat/completions", Digits.Json(Body(model.Name, Question, 5)), Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("Idempotency-Key", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_of_openai_is_told_what_is_wrong()
    {
        using var admin = platform.Admin();
        var key = (await admin.CreateKeyAsync("service", models: ["digits"])).Key;
        UserChatMessage[] messages = [new(Question)];

        var unknown = await Assert.ThrowsAsync<ClientResultException>(
            () => OpenAi().GetChatClient("no-such").CompleteChatAsync(messages, cancellationToken: Cancellation));
        var stranger = await Assert.ThrowsAsync<ClientResultException>(
            () => OpenAi("wrong").GetChatClient(model.Name).CompleteChatAsync(messages, cancellationToken: Cancellation));
        var other = await Assert.ThrowsAsync<ClientResultException>(
            () => OpenAi(key).GetChatClient(model.Name).CompleteChatAsync(messages, cancellationToken: Cancellation));

        Assert.Equal((404, 401, 404), (unknown.Status, stranger.Status, other.Status));
        Assert.Contains("there is no model 'no-such'", unknown.Message, StringComparison.Ordinal);
        Assert.Contains("model_not_found", other.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tenant_that_may_send_nothing_more_is_refused()
    {
        var tenant = await TestTenant.CreateAsync(platform, "\"monthly_inferences\":1");
        using var client = await tenant.ClientAsync();
        _ = await StreamAsync(client, Body(model.Name, Question, 5));

        var error = default(JsonElement);
        await Wait.UntilAsync(async () =>
        {
            using var response = await client.PostAsync("/v1/chat/completions", Digits.Json("no JSON"), Cancellation);
            error = (await response.JsonAsync()).GetProperty("error");
            return response.StatusCode == HttpStatusCode.TooManyRequests;
        });

        Assert.Equal(
            ("insufficient_quota", "insufficient_quota"), (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Call_is_recorded_for_its_tenant_as_any_other()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var client = await tenant.ClientAsync();
        using var observer = platform.Admin();

        _ = await StreamAsync(client, Body(model.Name, Question, 5));

        var records = default(JsonElement);
        await Wait.UntilAsync(async () =>
        {
            using var response = await observer.GetAsync($"/v1/requests?tenant={tenant.Id}&model={model.Name}", Cancellation);
            records = (await response.JsonAsync()).GetProperty("requests");
            return records.GetArrayLength() == 1;
        });
        Assert.Equal(200, records[0].GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task Caller_that_leaves_ends_its_run_and_is_recorded_so()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var client = await tenant.ClientAsync();
        using var observer = platform.Admin();

        for (var i = 0; i < 16; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
            {
                Content = Digits.Json(Body(model.Endless, $"question {i}", 4096)),
            };
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
            await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
            _ = await body.ReadAsync(new byte[64], Cancellation);
        }

        var text = string.Concat(ChatModel.Texts(await StreamAsync(client, Body(model.Endless, Question, 10))));

        Assert.Equal(TinyDecoder.Continue(TinyDecoder.Prompt(Question), 10, ends: false).Text, text);
        await Wait.UntilAsync(async () =>
        {
            using var left = await observer.GetAsync($"/v1/requests?tenant={tenant.Id}&status=499", Cancellation);
            return (await left.JsonAsync()).GetProperty("requests").GetArrayLength() > 0;
        });
    }

    [Theory]
    [InlineData("{}", "genai_config.json has no object model")]
    [InlineData("no JSON", "genai_config.json can't be read")]
    public async Task Model_with_a_bad_configuration_is_rejected_with_the_reason(string config, string reason)
    {
        using var admin = platform.Admin();
        var name = $"bad-{Guid.NewGuid():N}"[..16];

        var version = await ChatModel.UploadAsync(
            admin, name,
            [.. TinyDecoder.Files().Select(f => f.Name == "genai_config.json" ? (f.Name, Encoding.UTF8.GetBytes(config)) : f)]);

        Assert.Equal("rejected", version.GetProperty("state").GetString());
        Assert.Contains(reason, version.GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    private static ChatCompletionOptions Options(int most = Most) => new() { Temperature = 0, MaxOutputTokenCount = most };

    private static string Body(string model, string question, int most, string more = "") => $$"""
        {"model":"{{model}}","messages":[{"role":"user","content":"{{question}}"}],"max_tokens":{{most}},{{more}}
         "temperature":0,"stream":true}
        """;

    private string Filled(string body) => body
        .Replace("\"M\"", $"\"{model.Name}\"", StringComparison.Ordinal)
        .Replace("MM", """[{"role":"user","content":"x"}]""", StringComparison.Ordinal);

    private OpenAIClient OpenAi(string key = Platform.AdminKey)
    {
        using var http = platform.Anonymous();
        return new OpenAIClient(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(http.BaseAddress!, "v1") });
    }

    private static async Task<string[]> StreamAsync(HttpClient client, string body)
    {
        using var response = await client.PostAsync("/v1/chat/completions", Digits.Json(body), Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        return ChatModel.Events(text);
    }

    private static async Task<JsonElement> OkAsync(HttpClient client, string path, string body)
    {
        using var response = await client.PostAsync(path, Digits.Json(body), Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, await response.Content.ReadAsStringAsync(Cancellation));
        return await response.JsonAsync();
    }
}
