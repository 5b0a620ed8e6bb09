using System.ClientModel;
using System.Net;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;
using OpenAI;
using OpenAI.Chat;

namespace InferenceTemplate.Tests.Api;

/// <summary>What generated text is counted as, costs, and may not pass.</summary>
public sealed class ChatUsageTests(Platform platform, ChatModel model) : IClassFixture<ChatModel>
{
    private const string Question = "Hello there";

    private static readonly int s_prompt = TinyDecoder.Count(TinyDecoder.Prompt(Question));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tokens_of_calls_streams_jobs_and_chosen_outputs_are_summed_and_priced()
    {
        using var admin = platform.Admin();
        using var priced = await admin.PutAsync(
            $"/v1/models/{model.Name}/settings",
            Digits.Json("""{"price_per_million_prompt_tokens":250000,"price_per_million_completion_tokens":750000}"""), Cancellation);
        Assert.True(priced.IsSuccessStatusCode, await priced.Content.ReadAsStringAsync(Cancellation));
        var tenant = await TestTenant.CreateAsync(platform);
        using var client = await tenant.ClientAsync();
        var request = JsonSerializer.Serialize(Request(5));

        // Until the price is read. A replica's sums may be a second old: only what was waited for counts.
        var before = await MonthAsync(client);
        await Wait.UntilAsync(async () =>
        {
            using var answer = await client.PostAsync("/v1/chat/completions", Digits.Json(Chat(5)), Cancellation);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var now = await MonthOfAsync(client, before.Inferences + 1);
            Assert.Equal(before.Tokens + s_prompt + 5, now.Tokens);
            var cost = now.Cost - before.Cost;
            before = now;
            return cost == (s_prompt + 15) / 4m;
        });

        using var stream = await client.PostAsync("/v1/chat/completions", Digits.Json(Chat(4, stream: true)), Cancellation);
        _ = await stream.Content.ReadAsStringAsync(Cancellation);
        using var infer = await client.PostAsync($"/v2/models/{model.Name}/infer", Digits.Json($$"""
            {"inputs":[{"name":"request","datatype":"BYTES","shape":[1],"data":[{{request}}]}],"outputs":[{"name":"text"}]}
            """), Cancellation);
        var answered = await infer.JsonAsync();
        using var job = JobCalls.Request(model.Name, Digits.Json($$"""
            {"inputs":[{"name":"request","datatype":"BYTES","shape":[1],"data":[{{request}}]}],"outputs":[{"name":"text"}]}
            """));
        using var submitted = await client.SendAsync(job, Cancellation);
        var ended = await client.EndedAsync((await submitted.JsonAsync()).GetProperty("id").GetGuid());

        Assert.Equal("succeeded", ended.GetProperty("state").GetString());
        Assert.Equal([s_prompt, 5], answered.Output("usage").Data<long>());
        var after = await MonthOfAsync(client, before.Inferences + 3);
        Assert.Equal((3 * s_prompt) + 14, after.Tokens - before.Tokens);
        Assert.Equal(((3 * s_prompt) + (3 * 14)) / 4m, after.Cost - before.Cost);
        using var usage = await client.GetAsync("/v1/usage", Cancellation);
        var row = Assert.Single((await usage.JsonAsync()).GetProperty("usage").EnumerateArray());
        Assert.Equal(
            (after.Inferences * s_prompt, after.Tokens),
            (row.GetProperty("prompt_tokens").GetInt64(),
                row.GetProperty("prompt_tokens").GetInt64() + row.GetProperty("completion_tokens").GetInt64()));
        using var statement = await client.GetAsync("/v1/usage/statement", Cancellation);
        Assert.Contains(
            $",{after.Inferences * s_prompt},{after.Tokens - (after.Inferences * s_prompt)}\r\n",
            await statement.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tenant_whose_tokens_are_used_up_generates_no_more_and_may_do_all_else()
    {
        var tenant = await TestTenant.CreateAsync(platform, "\"monthly_tokens\":20");
        var key = await tenant.KeyAsync();
        using var client = platform.WithKey(key);
        using var first = await client.PostAsync("/v1/chat/completions", Digits.Json(Chat(5)), Cancellation);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);

        // On each replica, since one reads the sums a second after the other.
        await client.OnEachReplicaAsync(
            () => new(HttpMethod.Post, "/v1/chat/completions") { Content = Digits.Json(Chat(5)) },
            response => Task.FromResult(response.StatusCode == HttpStatusCode.TooManyRequests));
        using var refused = await client.PostAsync("/v1/chat/completions", Digits.Json(Chat(5)), Cancellation);
        using var infer = await client.PostAsync($"/v2/models/{model.Name}/infer", Digits.Json($$"""
            {"inputs":[{"name":"request","datatype":"BYTES","shape":[1],"data":[{{JsonSerializer.Serialize(Request(5))}}]}]}
            """), Cancellation);
        using var digits = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);

        var error = (await refused.JsonAsync()).GetProperty("error");
        Assert.Equal(
            ("insufficient_quota", "insufficient_quota"), (error.GetProperty("type").GetString(), error.GetProperty("code").GetString()));
        Assert.Contains("is stopped: the 20 tokens for 20", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Null(refused.Headers.RetryAfter);
        Assert.Equal("false", refused.Headers.GetValues("x-should-retry").Single());
        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (infer.StatusCode, digits.StatusCode));
        using var http = platform.Anonymous();
        var openAi = new OpenAIClient(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(http.BaseAddress!, "v1") });
        var thrown = await Assert.ThrowsAsync<ClientResultException>(
            () => openAi.GetChatClient(model.Name).CompleteChatAsync([new UserChatMessage(Question)], cancellationToken: Cancellation));
        Assert.Equal(429, thrown.Status);
        Assert.Contains("insufficient_quota", thrown.Message, StringComparison.Ordinal);

        // Its operator can raise that.
        await tenant.PatchAsync("""{"monthly_tokens":0}""");
        await client.OnEachReplicaAsync(
            () => new(HttpMethod.Post, "/v1/chat/completions") { Content = Digits.Json(Chat(5)) },
            response => Task.FromResult(response.IsSuccessStatusCode));
    }

    [Fact]
    public async Task Caller_that_leaves_a_stream_is_charged_for_the_parts_that_it_had()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        using var client = await tenant.ClientAsync();
        using var observer = platform.Admin();
        for (var i = 0; i < 16; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
            {
                Content = Digits.Json(Chat(4096, stream: true, name: model.Endless)),
            };
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
            await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
            _ = await body.ReadAsync(new byte[64], Cancellation);
        }

        var month = await MonthOfAsync(client, 16);

        // Records have a writer of their own.
        List<int> statuses = [];
        await Wait.UntilAsync(async () =>
        {
            using var requests = await observer.GetAsync($"/v1/requests?tenant={tenant.Id}", Cancellation);
            statuses = [.. (await requests.JsonAsync()).GetProperty("requests").EnumerateArray()
                .Select(r => r.GetProperty("status").GetInt32())];
            return statuses.Count == 16;
        });
        var gone = statuses.Count(status => status == 499);
        var whole = (16 - gone) * (s_prompt + 4096L);
        Assert.InRange(month.Tokens, whole + 1, whole + (gone * 4096L));
    }

    private static string Request(int most) =>
        $$"""{"messages":[{"role":"user","content":"{{Question}}"}],"max_tokens":{{most}},"temperature":0}""";

    private string Chat(int most, bool stream = false, string? name = null) =>
        $$"""{"model":"{{name ?? model.Name}}","stream":{{(stream ? "true" : "false")}},{{Request(most)[1..]}}""";

    private static async Task<(long Inferences, long Tokens, decimal Cost)> MonthOfAsync(HttpClient client, long inferences)
    {
        (long Inferences, long Tokens, decimal Cost) now = default;
        await Wait.UntilAsync(async () => (now = await MonthAsync(client)).Inferences == inferences);
        return now;
    }

    private static async Task<(long Inferences, long Tokens, decimal Cost)> MonthAsync(HttpClient client)
    {
        using var response = await client.GetAsync("/v1/tenants/me", Cancellation);
        var month = (await response.JsonAsync()).GetProperty("month");
        return (month.GetProperty("inferences").GetInt64(), month.GetProperty("tokens").GetInt64(), month.GetProperty("cost").GetDecimal());
    }
}
