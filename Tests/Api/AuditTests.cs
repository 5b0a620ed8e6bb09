using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class AuditTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_administered_is_found_by_what_was_done_to_what()
    {
        using var client = platform.Admin();
        var flag = $"f{Guid.NewGuid():N}";
        using var put = await client.PutAsJsonAsync(
            $"/v1/features/{flag}", new { enabled = true, tenants = new[] { "acme" } }, Cancellation);
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        using var delete = await client.DeleteAsync($"/v1/features/{flag}", Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, delete.StatusCode);

        // A change and its entry are committed together: nothing to wait for.
        var first = await GetAsync(client, $"action=feature.&subject={flag}&limit=1");
        var entry = Assert.Single(first.GetProperty("entries").EnumerateArray());
        Assert.Equal("feature.removed", entry.GetProperty("action").GetString());
        var rest = await GetAsync(client, $"action=feature.&subject={flag}&limit=5&cursor={first.GetProperty("next_cursor").GetString()}");
        entry = Assert.Single(rest.GetProperty("entries").EnumerateArray());
        Assert.Equal(JsonValueKind.Null, rest.GetProperty("next_cursor").ValueKind);
        Assert.Equal(("feature.changed", "First admin key", flag),
            (entry.GetProperty("action").GetString(), entry.GetProperty("actor").GetString(), entry.GetProperty("subject").GetString()));
        Assert.Equal(("true", "acme"), (entry.GetProperty("details").GetProperty("enabled").GetString(),
            entry.GetProperty("details").GetProperty("tenants").GetString()));

        var at = Uri.EscapeDataString(entry.GetProperty("at").GetString()!);
        var actor = entry.GetProperty("actor_id").GetString();
        Assert.Equal(2, Count(await GetAsync(client, $"subject={flag}&from={at}&actor=First%20admin%20key")));
        Assert.Equal(2, Count(await GetAsync(client, $"subject={flag}&from={at}&actor={actor}")));
        Assert.Equal(0, Count(await GetAsync(client, $"subject={flag}&to={at}")));
        Assert.Equal(0, Count(await GetAsync(client, $"subject={flag}&actor=somebody")));
        Assert.Equal(0, Count(await GetAsync(client, $"subject={flag}&tenant=default")));
    }

    [Fact]
    public async Task Registry_and_dead_letters_are_in_the_chain_too()
    {
        using var queue = await ModelQueue.OpenAsync(platform);
        await queue.DeadLetterAsync(2);
        using var client = platform.Admin();
        using var purge = await client.DeleteAsync($"/v1/queues/{queue.Model}/1/dead-letters", Cancellation);
        var model = await UploadedModel.WithVersionsAsync(client, 1);
        using var labels = await client.PutAsJsonAsync($"/v1/models/{model}/versions/1/labels", new { audited = "yes" }, Cancellation);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (purge.StatusCode, labels.StatusCode));

        // A model's subject has those of its versions.
        foreach (var query in new[]
        {
            $"action=dead_letter.purged&subject={queue.Model}/1", $"action=model.labelled&subject={model}/1",
            $"action=model.labelled&subject={model}",
        })
        {
            JsonElement page;
            var wait = Wait.For($"an audit entry of {query}");
            while (Count(page = await GetAsync(client, query)) == 0)
            {
                await wait.PauseAsync();
            }

            Assert.Equal("First admin key", page.GetProperty("entries")[0].GetProperty("actor").GetString());
        }
    }

    [Fact]
    public async Task Chain_is_verified_against_a_head_that_was_kept()
    {
        using var client = platform.Admin();
        using var put = await client.PutAsJsonAsync($"/v1/features/f{Guid.NewGuid():N}", new { enabled = false }, Cancellation);
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        using var read = await client.GetAsync("/v1/audit/head", Cancellation);
        var head = await read.JsonAsync();

        var plain = await VerifyAsync(client, null);
        Assert.True(plain.GetProperty("valid").GetBoolean());
        Assert.True(plain.GetProperty("entries").GetInt64() >= head.GetProperty("sequence").GetInt64());
        Assert.Equal(JsonValueKind.Null, plain.GetProperty("first_invalid").ValueKind);
        var matched = await VerifyAsync(client, JsonContent.Create(head));
        Assert.Equal((true, "matched"), (matched.GetProperty("valid").GetBoolean(), matched.GetProperty("kept_head").GetString()));

        var forged = await VerifyAsync(
            client, JsonContent.Create(new { sequence = head.GetProperty("sequence").GetInt64(), hash = new string('a', 64) }));
        Assert.False(forged.GetProperty("valid").GetBoolean());
        Assert.Equal(head.GetProperty("sequence").GetInt64(), forged.GetProperty("first_invalid").GetProperty("sequence").GetInt64());
        Assert.Equal("its hash is not the one of the given head", forged.GetProperty("first_invalid").GetProperty("reason").GetString());
    }

    [Theory]
    [InlineData("GET", "/v1/audit?limit=0")]
    [InlineData("GET", "/v1/audit?limit=1001")]
    [InlineData("GET", "/v1/audit?cursor=x")]
    [InlineData("GET", "/v1/audit?cursor=0")]
    [InlineData("GET", "/v1/audit?subject=%00")]
    [InlineData("GET", "/v1/audit?from=yesterday")]
    [InlineData("GET", "/v1/audit?to=11/12/2026")]
    [InlineData("POST", "/v1/audit/verify", "{\"sequence\":1}")]
    [InlineData("POST", "/v1/audit/verify", "{\"sequence\":1,\"hash\":\"12\"}")]
    [InlineData("POST", "/v1/audit/verify", "nonsense")]
    public async Task Bad_question_is_refused(string method, string path, string? body = null)
    {
        using var client = platform.Admin();
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = body is null ? null : Digits.Json(body) };
        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/v1/audit")]
    [InlineData("GET", "/v1/audit/head")]
    [InlineData("POST", "/v1/audit/verify")]
    [InlineData("GET", "/v1/features")]
    [InlineData("PUT", "/v1/features/jobs")]
    [InlineData("DELETE", "/v1/features/jobs")]
    [InlineData("GET", "/v1/retention/preview")]
    [InlineData("POST", "/v1/retention/run")]
    [InlineData("GET", "/v1/tenants/default/export")]
    [InlineData("GET", "/v1/tenants/default/erasure")]
    [InlineData("POST", "/v1/tenants/default/erasure")]
    public async Task Only_administrators_may(string method, string path)
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        foreach (var (key, status) in new[] { (await keys.CreateAsync("user"), HttpStatusCode.Forbidden),
            ("", HttpStatusCode.Unauthorized) })
        {
            using var client = platform.WithKey(key);
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            using var response = await client.SendAsync(request, Cancellation);

            Assert.Equal(status, response.StatusCode);
        }
    }

    private static int Count(JsonElement page) => page.GetProperty("entries").GetArrayLength();

    private static async Task<JsonElement> GetAsync(HttpClient client, string query)
    {
        using var response = await client.GetAsync($"/v1/audit?{query}", Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.JsonAsync();
    }

    private static async Task<JsonElement> VerifyAsync(HttpClient client, HttpContent? kept)
    {
        using var response = await client.PostAsync("/v1/audit/verify", kept, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.JsonAsync();
    }
}
