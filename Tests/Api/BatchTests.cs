using System.IO.Compression;
using System.Net;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class BatchTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batch_answers_its_lines_in_their_order_and_names_those_that_are_wrong()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        string[] lines =
        [
            BatchCalls.Line(0, "first"),
            "{ no json",
            "",
            """{"custom_id":"c","model":"digits","body":{"inputs":[]}}""",
            """{"custom_id":"d","model":"nothing","body":{}}""",
            "[1]",
            """{"model":"digits"}""",
            $$"""{"custom_id":"f","method":"POST","url":"/v1/any","model":"digits","version":"1","body":{{BatchCalls.Body(1)}}}""",
            new string('x', (1 << 20) + 1),
            BatchCalls.Line(2, "last"),
            $$"""{"custom_id":"g","model":"digits","versoin":"1","body":{{BatchCalls.Body(1)}}}""",
            $$"""{"custom_id":"h","method":"GET","url":"/v1/any","model":"digits","body":{{BatchCalls.Body(1)}}}""",
        ];

        using var accepted = await client.SendBatchAsync(lines);
        var batch = await accepted.JsonAsync();
        var id = batch.GetProperty("id").GetGuid();
        var ended = await client.BatchEndedAsync(id);
        var output = await client.FileAsync(id, "output");
        var errors = await client.FileAsync(id, "errors");

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal($"/v1/batches/{id}", accepted.Headers.Location!.OriginalString);
        Assert.Equal((11, 0, 8), batch.Counts());
        Assert.Equal("completed", ended.GetProperty("state").GetString());
        Assert.Equal((11, 3, 8), ended.Counts());
        Assert.Equal($"/v1/batches/{id}/output", ended.GetProperty("output_url").GetString());
        Assert.Equal([(1, "first"), (8, "f"), (10, "last")],
            output.Select(l => (l.GetProperty("line").GetInt32(), l.GetProperty("custom_id").GetString()!)));
        Assert.Equal(
            [Digits.HeldOut[0].Label, Digits.HeldOut[1].Label, Digits.HeldOut[2].Label],
            output.Select(l => l.GetProperty("response").GetProperty("body").Output("label").Data<int>().Single()));
        Assert.Equal([2, 4, 5, 6, 7, 9, 11, 12], errors.Select(l => l.GetProperty("line").GetInt32()));
        Assert.Equal(
            [(400, "not a JSON object"), (400, "image"), (404, "no model 'nothing'"), (400, "not a JSON object"), (400, "body: missing"),
                (413, "1048576 bytes"), (400, "versoin: a line has"), (400, "method: POST expected")],
            errors.Select((line, place) => Shortened(line, ((string[])[
                "not a JSON object", "image", "no model 'nothing'", "not a JSON object", "body: missing", "1048576 bytes",
                "versoin: a line has", "method: POST expected"])[place])));
    }

    [Fact]
    public async Task Lines_run_in_the_trace_of_the_request_that_sent_the_batch_and_are_found_by_it()
    {
        using var client = platform.Admin();
        var trace = Guid.NewGuid().ToString("N");
        client.DefaultRequestHeaders.Add("traceparent", $"00-{trace}-00f067aa0ba902b7-01");
        var id = await client.AcceptBatchAsync([BatchCalls.Line(0, "a"), BatchCalls.Line(1, "b")]);

        // Another trace than the one that reads.
        client.DefaultRequestHeaders.Remove("traceparent");
        var ended = await client.BatchEndedAsync(id);

        Assert.Equal(trace, ended.GetProperty("trace_id").GetString());
        await Wait.UntilAsync(async () =>
        {
            using var found = await client.GetAsync($"/v1/requests?trace={trace}", Cancellation);
            return (await found.JsonAsync()).GetProperty("requests").EnumerateArray()
                .Count(r => r.GetProperty("priority").GetString() == "low" && r.GetProperty("status").GetInt32() == 200) == 2;
        });
    }

    private static (int Status, string Message) Shortened(JsonElement line, string wanted)
    {
        var error = line.GetProperty("error");
        var message = error.GetProperty("message").GetString()!;
        return (error.GetProperty("status_code").GetInt32(), message.Contains(wanted, StringComparison.Ordinal) ? wanted : message);
    }

    [Fact]
    public async Task Batch_names_the_model_for_lines_that_name_none_and_its_answer_is_that_of_a_call()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());

        var id = await client.AcceptBatchAsync([$$"""{"body":{{BatchCalls.Body(3)}}}"""], "?model=digits&version=1");
        await client.BatchEndedAsync(id);
        using var call = await client.PostAsync("/v2/models/digits/infer", Digits.Json(BatchCalls.Body(3)), Cancellation);
        var line = Assert.Single(await client.FileAsync(id, "output"));

        var body = line.GetProperty("response").GetProperty("body");
        Assert.Equal(200, line.GetProperty("response").GetProperty("status_code").GetInt32());
        Assert.Equal(JsonValueKind.Null, line.GetProperty("custom_id").ValueKind);
        Assert.Equal("d3", body.GetProperty("id").GetString());
        Assert.Equal((await call.JsonAsync()).GetProperty("outputs").GetRawText(), body.GetProperty("outputs").GetRawText());
        Assert.Empty(await client.FileAsync(id, "errors"));
    }

    [Theory]
    [InlineData("application/json", "", "{}", 415, "application/jsonl")]
    [InlineData("application/jsonl", "", "\n \n", 400, "no lines")]
    [InlineData("application/x-ndjson", "?version=1", "{}", 400, "version")]
    public async Task Batch_that_is_none_is_refused(string type, string query, string body, int status, string detail)
    {
        using var client = platform.Admin();

        using var response = await client.SendBatchAsync([body], query, type: type);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(detail, (await response.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Batch_may_be_compressed_and_what_is_not_as_it_says_is_refused_whole()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var body = Encoding.UTF8.GetBytes(BatchCalls.Line(4, "zipped"));
        using var zipped = new MemoryStream();
        await using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(body, Cancellation);
        }

        using var accepted = await SendAsync(client, zipped.ToArray(), "gzip");
        using var plain = await SendAsync(client, body, "gzip");
        using var cut = await SendAsync(client, zipped.ToArray()[..^9], "gzip");
        using var unknown = await SendAsync(client, body, "zstd");
        using var all = await client.GetAsync("/v1/batches", Cancellation);

        Assert.Equal(
            (HttpStatusCode.Accepted, HttpStatusCode.BadRequest, HttpStatusCode.BadRequest, HttpStatusCode.UnsupportedMediaType),
            (accepted.StatusCode, plain.StatusCode, cut.StatusCode, unknown.StatusCode));
        Assert.Equal("the body is not gzip, as Content-Encoding says", (await cut.JsonAsync()).GetProperty("detail").GetString());
        var batch = Assert.Single((await all.JsonAsync()).GetProperty("batches").EnumerateArray());
        Assert.Equal((1, 1, 0), (await client.BatchEndedAsync(batch.GetProperty("id").GetGuid())).Counts());
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient client, byte[] body, string coding)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/batches") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/jsonl");
        request.Content.Headers.ContentEncoding.Add(coding);
        return await client.SendAsync(request, Cancellation);
    }

    [Fact]
    public async Task Batch_that_is_too_large_is_refused_before_it_is_sent_and_leaves_nothing()
    {
        // Nothing is sent before the server has said that it may be.
        using var handler = new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(5) };
        using var known = platform.WithKey(await platform.KeyOfNewTenantAsync());
        using var client = new HttpClient(handler) { BaseAddress = known.BaseAddress };
        client.DefaultRequestHeaders.Authorization = known.DefaultRequestHeaders.Authorization;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/batches");
        request.Headers.ExpectContinue = true;
        request.Content = new ByteArrayContent(new byte[(100 << 20) + 1]);
        request.Content.Headers.ContentType = new("application/jsonl");

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains(
            "104857600 bytes (Batches:MaxBytes)", (await response.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        using var list = await client.GetAsync("/v1/batches", Cancellation);
        Assert.Empty((await list.JsonAsync()).GetProperty("batches").EnumerateArray());
    }

    [Fact]
    public async Task Batch_of_more_lines_than_it_may_have_is_refused_however_few_bytes_they_take_and_leaves_nothing()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());

        using var refused = await client.SendBatchAsync(Enumerable.Repeat("1", 100_001));

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        Assert.Contains(
            "more than 100000 lines (Batches:MaxLines)", (await refused.JsonAsync()).GetProperty("detail").GetString(),
            StringComparison.Ordinal);
        using var list = await client.GetAsync("/v1/batches", Cancellation);
        Assert.Empty((await list.JsonAsync()).GetProperty("batches").EnumerateArray());
    }

    [Fact]
    public async Task Tenant_may_have_so_many_batches_and_cancels_and_removes_its_own()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var ids = new List<Guid>();
        for (var i = 0; i < 10; i++)
        {
            ids.Add(await platform.AcceptIdleBatchAsync(client));
        }

        using var early = await client.GetAsync($"/v1/batches/{ids[0]}/output", Cancellation);
        using var open = await client.DeleteAsync($"/v1/batches/{ids[0]}", Cancellation);
        using var refused = await client.SendBatchAsync([BatchCalls.Line(0, "eleventh")]);
        using var cancelled = await client.PostAsync($"/v1/batches/{ids[0]}/cancel", null, Cancellation);
        using var again = await client.PostAsync($"/v1/batches/{ids[0]}/cancel", null, Cancellation);
        using var accepted = await client.SendBatchAsync([BatchCalls.Line(0, "eleventh")]);
        var errors = await client.FileAsync(ids[0], "errors");
        using var removed = await client.DeleteAsync($"/v1/batches/{ids[0]}", Cancellation);
        using var gone = await client.GetAsync($"/v1/batches/{ids[0]}", Cancellation);

        // They would be tried for a day.
        foreach (var id in ids.Skip(1))
        {
            using var end = await client.PostAsync($"/v1/batches/{id}/cancel", null, Cancellation);
        }

        Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, open.StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Contains("10 batches", (await refused.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal("cancelled", (await cancelled.JsonAsync()).GetProperty("state").GetString());
        Assert.Equal(await cancelled.Content.ReadAsStringAsync(Cancellation), await again.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Contains(
            "cancelled", Assert.Single(errors).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task Batch_is_a_request_of_its_tenant_and_held_to_its_limits()
    {
        var tenant = await TestTenant.CreateAsync(platform, "\"requests_per_minute\":1,\"burst\":1,\"monthly_inferences\":3");
        using var client = await tenant.ClientAsync();

        using var accepted = await client.SendBatchAsync([BatchCalls.Line(0, "a"), BatchCalls.Line(1, "b")]);
        using var refused = await client.SendBatchAsync([BatchCalls.Line(0, "a")]);
        await client.BatchEndedAsync((await accepted.JsonAsync()).GetProperty("id").GetGuid());

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal("0", accepted.Headers.GetValues("RateLimit-Remaining").Single());
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Contains(
            "may send 1 requests a minute", (await refused.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        using var list = await client.GetAsync("/v1/batches", Cancellation);
        Assert.Single((await list.JsonAsync()).GetProperty("batches").EnumerateArray());

        // Its lines were two inferences, and it was none itself.
        await tenant.PatchAsync("""{"requests_per_minute":null,"burst":null}""");
        await Wait.UntilAsync(async () =>
        {
            using var third = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
            return third.StatusCode == HttpStatusCode.OK;
        });
        await Wait.UntilAsync(async () =>
        {
            using var stopped = await client.SendBatchAsync([BatchCalls.Line(0, "a")]);
            return stopped.StatusCode == HttpStatusCode.TooManyRequests
                && (await stopped.Content.ReadAsStringAsync(Cancellation)).Contains("3 inferences", StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Line_with_half_a_character_in_what_is_said_of_it_fails_alone()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());

        var id = await client.AcceptBatchAsync(
            [$$"""{"{{new string('a', 63)}}\ud83d\ude00":1,"body":{} }""", BatchCalls.Line(0, "good")]);

        Assert.Equal((2, 1, 1), (await client.BatchEndedAsync(id)).Counts());
        Assert.StartsWith(
            "aaa", Assert.Single(await client.FileAsync(id, "errors")).GetProperty("error").GetProperty("message").GetString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_tell_how_a_batch_goes_until_it_has_ended()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var id = await platform.AcceptIdleBatchAsync(client);
        using var response = await client.GetAsync($"/v1/batches/{id}/events", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));

        var states = new List<string> { (await reader.NextEventAsync())!.Value.GetProperty("state").GetString()! };
        using var cancelled = await client.PostAsync($"/v1/batches/{id}/cancel", null, Cancellation);
        while (await reader.NextEventAsync() is { } next)
        {
            states.Add(next.GetProperty("state").GetString()!);
        }

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains(states[0], (string[])["queued", "running"]);
        Assert.Equal("cancelled", states[^1]);
        Assert.Single(states, "cancelled");
    }

    [Fact]
    public async Task Batch_goes_on_without_its_key_and_ends_where_the_tenant_has_lost_its_model()
    {
        var tenant = await TestTenant.CreateAsync(platform);
        var key = await tenant.KeyAsync();
        using var client = platform.WithKey(key);
        var id = await platform.AcceptIdleBatchAsync(client);
        await using var keys = await TestKeys.OpenAsync(platform);
        await keys.RevokeAsync(key);
        using var refused = await KeyCalls.UntilRefusedAsync(client, "/v2");

        await tenant.PatchAsync("""{"models":["digits"]}""");

        await using var database = await platform.DatabaseAsync();
        await using var find = database.CreateCommand(
            """
            SELECT error_status || ' ' || error FROM batch_lines
            WHERE batch_id IN (SELECT id FROM batches WHERE id = $1 AND state = 'completed')
            """);
        find.Parameters.AddWithValue(id);
        object? error = null;
        await Wait.UntilAsync(async () => (error = await find.ExecuteScalarAsync(Cancellation)) is not null);
        Assert.Contains("no version '1' of a model 'idle'", (string)error!, StringComparison.Ordinal);
        Assert.StartsWith("404 ", (string)error!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Events_end_with_the_callers_key_and_the_batch_goes_on()
    {
        var key = await platform.KeyOfNewTenantAsync();
        using var client = platform.WithKey(key);
        var id = await platform.AcceptIdleBatchAsync(client);
        using var response = await client.GetAsync($"/v1/batches/{id}/events", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        Assert.NotNull(await reader.NextEventAsync());

        await using var keys = await TestKeys.OpenAsync(platform);
        await keys.RevokeAsync(key);

        while (await reader.NextEventAsync() is { } next)
        {
            Assert.Contains(next.GetProperty("state").GetString(), (string[])["queued", "running"]);
        }

        await using var database = await platform.DatabaseAsync();
        await using var find = database.CreateCommand("SELECT state FROM batches WHERE id = $1");
        find.Parameters.AddWithValue(id);
        Assert.Contains((string)(await find.ExecuteScalarAsync(Cancellation))!, (string[])["queued", "running"]);
    }

    [Fact]
    public async Task List_goes_from_the_newest_to_the_oldest_page_by_page()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var ids = new List<Guid>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(await client.AcceptBatchAsync(["wrong"]));
        }

        var listed = new List<Guid>();
        string? cursor = null;
        do
        {
            using var response = await client.GetAsync(
                $"/v1/batches?state=completed&limit=2{(cursor is null ? "" : $"&cursor={cursor}")}", Cancellation);
            var page = await response.JsonAsync();
            listed.AddRange(page.GetProperty("batches").EnumerateArray().Select(b => b.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);

        using var none = await client.GetAsync("/v1/batches?state=cancelled", Cancellation);
        Assert.Equal(ids.OrderDescending(), listed);
        Assert.Empty((await none.JsonAsync()).GetProperty("batches").EnumerateArray());
    }

    [Theory]
    [InlineData("state=receiving", "state: 'receiving'")]
    [InlineData("limit=0", "limit: 0")]
    [InlineData("limit=201", "limit: 201")]
    [InlineData("cursor=nonsense", "cursor: 'nonsense'")]
    public async Task List_names_the_parameter_that_is_wrong(string query, string detail)
    {
        using var client = platform.Admin();

        using var response = await client.GetAsync($"/v1/batches?{query}", Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(detail, (await response.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_are_gone_after_their_retention()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var id = await client.AcceptBatchAsync(["wrong"]);
        await platform.ExecuteAsync("UPDATE batches SET expires_at = now() - interval '1 second' WHERE id = $1", id);

        using var output = await client.GetAsync($"/v1/batches/{id}/output", Cancellation);
        using var errors = await client.GetAsync($"/v1/batches/{id}/errors", Cancellation);
        using var batch = await client.GetAsync($"/v1/batches/{id}", Cancellation);

        Assert.Equal(
            (HttpStatusCode.Gone, HttpStatusCode.Gone, HttpStatusCode.OK), (output.StatusCode, errors.StatusCode, batch.StatusCode));
    }

    [Fact]
    public async Task Batch_is_not_there_for_another_tenant_nor_without_credentials()
    {
        using var owner = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var id = await owner.AcceptBatchAsync(["wrong"]);
        using var other = platform.Admin();
        using var nobody = platform.Anonymous();
        (HttpMethod Method, string Path)[] requests =
        [
            (HttpMethod.Get, $"/v1/batches/{id}"), (HttpMethod.Get, $"/v1/batches/{id}/output"),
            (HttpMethod.Get, $"/v1/batches/{id}/errors"),
            (HttpMethod.Get, $"/v1/batches/{id}/events"), (HttpMethod.Post, $"/v1/batches/{id}/cancel"),
            (HttpMethod.Delete, $"/v1/batches/{id}"),
        ];

        foreach (var (method, path) in requests)
        {
            using var request = new HttpRequestMessage(method, path);
            using var response = await other.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            using var anonymous = new HttpRequestMessage(method, path);
            using var refused = await nobody.SendAsync(anonymous, Cancellation);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        using var list = await other.GetAsync("/v1/batches?limit=200", Cancellation);
        Assert.DoesNotContain(
            id, (await list.JsonAsync()).GetProperty("batches").EnumerateArray().Select(b => b.GetProperty("id").GetGuid()));
        using var mine = await owner.GetAsync($"/v1/batches/{id}", Cancellation);
        Assert.Equal(HttpStatusCode.OK, mine.StatusCode);

        // An administrator sees how those of others do.
        using var all = await other.GetAsync("/v1/batches?tenant=all&limit=200", Cancellation);
        var theirs = (await all.JsonAsync()).GetProperty("batches").EnumerateArray().Single(b => b.GetProperty("id").GetGuid() == id);
        var tenant = theirs.GetProperty("tenant").GetString()!;
        using var named = await other.GetAsync($"/v1/batches?tenant={tenant}", Cancellation);
        Assert.Equal(id, Assert.Single((await named.JsonAsync()).GetProperty("batches").EnumerateArray()).GetProperty("id").GetGuid());
        using var stranger = platform.WithKey(await platform.KeyOfNewTenantAsync());
        foreach (var asked in (string[])[tenant, "all"])
        {
            using var hidden = await stranger.GetAsync($"/v1/batches?tenant={asked}", Cancellation);
            Assert.Equal((asked, HttpStatusCode.Forbidden), (asked, hidden.StatusCode));
        }
    }
}
