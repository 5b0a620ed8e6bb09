using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class JobTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Job_is_accepted_run_and_answers_what_the_synchronous_call_answers()
    {
        using var client = platform.Admin();
        using var call = await client.PostAsync(
            "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels], id: "same"), Cancellation);
        using var accepted = await client.SubmitAsync("digits", id: "same", prefer: "wait=10, Respond-Async; x=1");
        var job = await accepted.JsonAsync();
        var id = job.GetProperty("id").GetGuid();

        var ended = await client.EndedAsync(id);
        using var result = await client.GetAsync($"/v1/jobs/{id}/result", Cancellation);

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        Assert.Equal($"/v1/jobs/{id}", accepted.Headers.Location!.OriginalString);
        Assert.Equal("respond-async", accepted.Headers.GetValues("Preference-Applied").Single());
        Assert.Equal(("queued", "digits", "1"), (job.GetProperty("state").GetString(), job.GetProperty("model_name").GetString(),
            job.GetProperty("model_version").GetString()));
        Assert.Equal("succeeded", ended.GetProperty("state").GetString());
        Assert.Equal(job.GetProperty("created_at").GetDateTimeOffset(), ended.GetProperty("created_at").GetDateTimeOffset());
        Assert.Equal(1, ended.GetProperty("progress").GetDouble());
        Assert.Equal(HttpStatusCode.OK, result.StatusCode);
        Assert.Equal(WithoutParameters(await call.JsonAsync()), WithoutParameters(await result.JsonAsync()));
    }

    [Fact]
    public async Task Job_tells_the_trace_that_sent_it_and_then_the_one_that_retried_it()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var (sent, retried) = (Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));
        client.DefaultRequestHeaders.Add("traceparent", $"00-{sent}-00f067aa0ba902b7-01");
        var id = await platform.SubmitIdleAsync(client);
        client.DefaultRequestHeaders.Remove("traceparent");
        using var read = await client.GetAsync($"/v1/jobs/{id}", Cancellation);
        Assert.Equal(sent, (await read.JsonAsync()).GetProperty("trace_id").GetString());
        using var cancelled = await client.PostAsync($"/v1/jobs/{id}/cancel", null, Cancellation);
        await client.EndedAsync(id);

        client.DefaultRequestHeaders.Add("traceparent", $"00-{retried}-00f067aa0ba902b7-01");
        var (status, body) = await RetryAsync(client, id);

        Assert.Equal((HttpStatusCode.Accepted, retried), (status, body.GetProperty("trace_id").GetString()));
    }

    // A call's answer also tells its times and its price.
    private static IEnumerable<string> WithoutParameters(JsonElement answer) =>
        answer.EnumerateObject().Where(p => p.Name != "parameters").Select(p => p.Value.GetRawText());

    [Theory]
    [InlineData("{}", 400, "inputs: missing")]
    [InlineData("""{"inputs":[{"name":"image","shape":[1,8,9],"datatype":"FP32","data":[]}]}""", 400, "inputs[0].data")]
    public async Task Request_that_a_call_would_refuse_becomes_no_job(string body, int status, string error)
    {
        using var client = platform.Admin();
        using var request = JobCalls.Request("digits", Digits.Json(body));

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(error, await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Idempotency_key_gives_the_same_job_for_the_same_request_and_refuses_another()
    {
        using var client = platform.Admin();
        var key = $"{Guid.NewGuid()}";

        using var first = await client.SubmitAsync("digits", key: key);
        using var again = await client.SubmitAsync("digits", key: key);
        using var other = await client.SubmitAsync("digits", key: key, id: "other");
        using var tooLong = await client.SubmitAsync("digits", key: new string('k', 256));

        Assert.Equal(HttpStatusCode.Accepted, again.StatusCode);
        Assert.Equal((await first.JsonAsync()).GetProperty("id").GetGuid(), (await again.JsonAsync()).GetProperty("id").GetGuid());
        Assert.False(first.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal("true", again.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, other.StatusCode);
        Assert.Contains(key, await other.ErrorAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, tooLong.StatusCode);
    }

    [Fact]
    public async Task Job_that_waits_has_no_result_and_is_cancelled_once_and_for_all()
    {
        using var client = platform.Admin();
        var id = await platform.SubmitIdleAsync(client);

        using var early = await client.GetAsync($"/v1/jobs/{id}/result", Cancellation);
        using var cancelled = await client.PostAsync($"/v1/jobs/{id}/cancel", null, Cancellation);
        using var again = await client.PostAsync($"/v1/jobs/{id}/cancel", null, Cancellation);
        using var late = await client.GetAsync($"/v1/jobs/{id}/result", Cancellation);

        Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
        Assert.Equal("application/problem+json", early.Content.Headers.ContentType!.MediaType);
        Assert.Contains("queued", (await early.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);
        Assert.Equal("cancelled", (await cancelled.JsonAsync()).GetProperty("state").GetString());
        Assert.Equal(await cancelled.Content.ReadAsStringAsync(Cancellation), await again.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
    }

    [Fact]
    public async Task Job_is_retried_by_one_of_many_at_once()
    {
        using var admin = platform.Admin();
        var id = await platform.SubmitIdleAsync(admin);
        using var cancelled = await admin.PostAsync($"/v1/jobs/{id}/cancel", null, Cancellation);
        Assert.Equal(HttpStatusCode.OK, cancelled.StatusCode);

        // Nobody runs it, so it stays queued.
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => RetryAsync(admin, id)));

        var accepted = Assert.Single(answers, answer => answer.Status == HttpStatusCode.Accepted);
        Assert.Equal(id, accepted.Body.GetProperty("id").GetGuid());
        Assert.All(answers.Where(answer => answer.Status != HttpStatusCode.Accepted), answer => Assert.Equal(
            (HttpStatusCode.Conflict, true),
            (answer.Status, answer.Body.GetProperty("detail").GetString()!.EndsWith(
                "only one that is failed, cancelled or dead_lettered can be retried", StringComparison.Ordinal))));
    }

    [Fact]
    public async Task Job_that_failed_runs_once_more_when_it_is_retried()
    {
        using var admin = platform.Admin();
        var (model, id) = await FailedAsync(admin);
        var before = await admin.EndedAsync(id);

        var retried = await RetryAsync(admin, id);
        await Wait.UntilAsync(async () => (await admin.EndedAsync(id)).GetProperty("attempt").GetInt32() == 2);
        var after = await admin.EndedAsync(id);

        Assert.Equal(HttpStatusCode.Accepted, retried.Status);
        Assert.Equal(("failed", 2), (after.GetProperty("state").GetString(), after.GetProperty("attempt").GetInt32()));
        Assert.True(after.GetProperty("finished_at").GetDateTimeOffset() > before.GetProperty("finished_at").GetDateTimeOffset());
        await Wait.UntilAsync(async () =>
        {
            using var audit = await admin.GetAsync($"/v1/audit?Action=job.retried&Subject={id}", Cancellation);
            return (await audit.JsonAsync()).GetProperty("entries").EnumerateArray().Count(e =>
                e.GetProperty("subject").GetString() == $"{id}" && e.GetProperty("details").GetProperty("model").GetString() == model) == 1;
        });
    }

    [Fact]
    public async Task Job_that_was_cancelled_waits_again_once_it_is_retried()
    {
        using var client = platform.Admin();
        var id = await platform.SubmitIdleAsync(client);
        var early = await RetryAsync(client, id);
        using var cancelled = await client.PostAsync($"/v1/jobs/{id}/cancel", null, Cancellation);
        var retried = await RetryAsync(client, id);

        Assert.Equal(
            (HttpStatusCode.Conflict, "the job is queued: only one that is failed, cancelled or dead_lettered can be retried"),
            (early.Status, early.Body.GetProperty("detail").GetString()));
        Assert.Equal((HttpStatusCode.Accepted, "queued", false),
            (retried.Status, retried.Body.GetProperty("state").GetString(), retried.Body.GetProperty("cancel_requested").GetBoolean()));
        Assert.Equal(JsonValueKind.Null, retried.Body.GetProperty("finished_at").ValueKind);
    }

    [Fact]
    public async Task Job_whose_request_or_model_is_gone_or_that_is_anothers_is_not_retried()
    {
        using var admin = platform.Admin();
        var (model, id) = await FailedAsync(admin);
        var (_, old) = await FailedAsync(admin);
        await platform.ExecuteAsync("UPDATE jobs SET request = NULL WHERE id = $1", old);
        using var stranger = platform.WithKey(await platform.KeyOfNewTenantAsync());

        Assert.Equal(HttpStatusCode.NotFound, (await RetryAsync(stranger, id)).Status);
        var expired = await RetryAsync(admin, old);
        Assert.Equal(HttpStatusCode.Conflict, expired.Status);
        Assert.Contains("no longer kept", expired.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
        using var deleted = await admin.DeleteAsync($"/v1/models/{model}", Cancellation);
        await admin.OnEachReplicaAsync(
            () => new(HttpMethod.Get, $"/v2/models/{model}"), response => Task.FromResult(response.StatusCode == HttpStatusCode.NotFound));
        var gone = await RetryAsync(admin, id);
        Assert.Equal(HttpStatusCode.NotFound, gone.Status);
        Assert.Contains(model, gone.Body.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retry_counts_toward_the_limits_of_the_tenant()
    {
        var tenant = await TestTenant.CreateAsync(platform, "\"monthly_inferences\":2");
        using var client = await tenant.ClientAsync();
        var id = await platform.SubmitIdleAsync(client);
        foreach (var expected in (HttpStatusCode[])[HttpStatusCode.Accepted, HttpStatusCode.TooManyRequests])
        {
            using var cancelled = await client.PostAsync($"/v1/jobs/{id}/cancel", null, Cancellation);
            var (status, body) = await RetryAsync(client, id);
            Assert.True(status == expected, $"{status}: {body}");
        }

        Assert.Equal("cancelled", (await client.EndedAsync(id)).GetProperty("state").GetString());
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> RetryAsync(HttpClient client, Guid id)
    {
        using var response = await client.PostAsync($"/v1/jobs/{id}/retry", null, Cancellation);
        return (response.StatusCode, await response.JsonAsync());
    }

    /// <summary>A job that its model fails on: the model looks up a row that it does not have.</summary>
    private static async Task<(string Model, Guid Id)> FailedAsync(HttpClient admin)
    {
        var model = $"m{Guid.NewGuid():N}";
        using var file = new ByteArrayContent(new OnnxModel().Input("index", OnnxModel.Int64, 1).Output("y", OnnxModel.Float, 1)
            .Constant("table", [1, 2, 3], 3).Node("Gather", ["table", "index"], ["y"]).ToBytes());
        using var uploaded = await admin.PostAsync($"/v1/models/{model}/versions", file, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, uploaded.StatusCode);
        await admin.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{model}"),
            known => Task.FromResult(known.StatusCode == HttpStatusCode.OK));
        using var request = JobCalls.Request(
            model, Digits.Json("""{"inputs":[{"name":"index","datatype":"INT64","shape":[1],"data":[9]}]}"""));
        using var accepted = await admin.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        var id = (await accepted.JsonAsync()).GetProperty("id").GetGuid();
        Assert.Equal("failed", (await admin.EndedAsync(id)).GetProperty("state").GetString());
        return (model, id);
    }

    [Fact]
    public async Task Result_of_a_job_that_failed_is_its_error_and_one_that_expired_is_gone()
    {
        using var client = platform.Admin();
        var late = await platform.SubmitIdleAsync(client, extra: "\"parameters\":{\"timeout\":1},");
        using var accepted = await client.SubmitAsync("digits");
        var old = (await accepted.JsonAsync()).GetProperty("id").GetGuid();
        await client.EndedAsync(old);
        await platform.ExecuteAsync("UPDATE jobs SET expires_at = now() - interval '1 second' WHERE id = $1", old);

        var failed = await client.EndedAsync(late);
        using var error = await client.GetAsync($"/v1/jobs/{late}/result", Cancellation);
        using var gone = await client.GetAsync($"/v1/jobs/{old}/result", Cancellation);

        Assert.Equal("failed", failed.GetProperty("state").GetString());
        Assert.Equal(HttpStatusCode.GatewayTimeout, error.StatusCode);
        Assert.Equal(failed.GetProperty("error").GetString(), (await error.JsonAsync()).GetProperty("detail").GetString());
        Assert.Equal(HttpStatusCode.Gone, gone.StatusCode);
    }

    [Fact]
    public async Task Result_comes_in_the_encoding_that_is_asked_for()
    {
        using var client = platform.Admin();
        using var accepted = await client.SubmitAsync("digits", id: "both");
        var id = (await accepted.JsonAsync()).GetProperty("id").GetGuid();
        await client.EndedAsync(id);
        using var json = await client.GetAsync($"/v1/jobs/{id}/result", Cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/jobs/{id}/result");
        request.Headers.Accept.ParseAdd("application/octet-stream, application/json;q=0.5");

        using var binary = await client.SendAsync(request, Cancellation);

        var bytes = await binary.Content.ReadAsByteArrayAsync(Cancellation);
        var length = int.Parse(binary.Headers.GetValues("Inference-Header-Content-Length").Single(), CultureInfo.InvariantCulture);
        using var head = JsonDocument.Parse(bytes.AsMemory(0, length));
        var probabilities = MemoryMarshal.Cast<byte, float>(bytes.AsSpan(length, 10 * sizeof(float))).ToArray();
        Assert.Equal("application/json", json.Content.Headers.ContentType!.MediaType);
        Assert.Equal("application/octet-stream", binary.Content.Headers.ContentType!.MediaType);
        Assert.Equal("both", head.RootElement.GetProperty("id").GetString());
        Assert.Equal((await json.JsonAsync()).Output("probabilities").Data<float>(), probabilities);
    }

    [Fact]
    public async Task Job_is_removed_when_it_has_ended()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var id = await platform.SubmitIdleAsync(client);

        using var early = await client.DeleteAsync($"/v1/jobs/{id}", Cancellation);
        using var cancelled = await client.PostAsync($"/v1/jobs/{id}/cancel", null, Cancellation);
        using var others = await platform.Admin().DeleteAsync($"/v1/jobs/{id}", Cancellation);
        using var removed = await client.DeleteAsync($"/v1/jobs/{id}", Cancellation);
        using var again = await client.DeleteAsync($"/v1/jobs/{id}", Cancellation);

        Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
        Assert.Contains("cancel it first", (await early.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(
            (HttpStatusCode.NotFound, HttpStatusCode.NoContent, HttpStatusCode.NotFound),
            (others.StatusCode, removed.StatusCode, again.StatusCode));
        Assert.Empty(await client.IdsAsync(""));
    }

    [Fact]
    public async Task Events_tell_each_state_until_the_last()
    {
        using var client = platform.Admin();
        var id = await platform.SubmitIdleAsync(client);
        using var response = await client.GetAsync($"/v1/jobs/{id}/events", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));

        var first = await reader.NextEventAsync();
        using var cancelled = await client.PostAsync($"/v1/jobs/{id}/cancel", null, Cancellation);
        var second = await reader.NextEventAsync();

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal("queued", first!.Value.GetProperty("state").GetString());
        Assert.Equal("cancelled", second!.Value.GetProperty("state").GetString());
        Assert.Null(await reader.NextEventAsync());
    }

    [Fact]
    public async Task Events_end_with_the_callers_key_and_the_job_goes_on()
    {
        var key = await platform.KeyOfNewTenantAsync();
        using var client = platform.WithKey(key);
        var id = await platform.SubmitIdleAsync(client);
        using var response = await client.GetAsync($"/v1/jobs/{id}/events", HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        Assert.NotNull(await reader.NextEventAsync());

        await using var keys = await TestKeys.OpenAsync(platform);
        await keys.RevokeAsync(key);

        while (await reader.NextEventAsync() is { } next)
        {
            Assert.Contains(next.GetProperty("state").GetString(), (string[])["queued", "running"]);
        }

        await using var database = await platform.DatabaseAsync();
        await using var find = database.CreateCommand("SELECT state FROM jobs WHERE id = $1");
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
            ids.Add(await platform.SubmitIdleAsync(client));
        }

        using var cancel = await client.PostAsync($"/v1/jobs/{ids[2]}/cancel", null, Cancellation);

        // Ids of one millisecond have no order of their own.
        var listed = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await client.ListAsync($"limit=2{(cursor is null ? "" : $"&cursor={cursor}")}");
            listed.AddRange(page.GetProperty("jobs").EnumerateArray().Select(j => j.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("next_cursor").GetString();
        }
        while (cursor is not null);

        Assert.Equal(ids.OrderDescending(), listed);
        Assert.Equal([ids[2]], await client.IdsAsync("state=cancelled"));
        Assert.Equal(4, (await client.IdsAsync("state=queued&model=idle")).Count);
        Assert.Empty(await client.IdsAsync("model=digits"));
    }

    [Theory]
    [InlineData("state=done", "state: 'done'")]
    [InlineData("limit=0", "limit: 0")]
    [InlineData("limit=201", "limit: 201")]
    [InlineData("cursor=nonsense", "cursor: 'nonsense'")]
    public async Task List_names_the_parameter_that_is_wrong(string query, string detail)
    {
        using var client = platform.Admin();

        using var response = await client.GetAsync($"/v1/jobs?{query}", Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith(detail, (await response.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Job_is_not_there_for_another_tenant_nor_without_credentials()
    {
        using var owner = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var id = await platform.SubmitIdleAsync(owner);
        using var other = platform.Admin();
        using var nobody = platform.Anonymous();
        (HttpMethod Method, string Path)[] requests =
        [
            (HttpMethod.Get, $"/v1/jobs/{id}"), (HttpMethod.Get, $"/v1/jobs/{id}/result"), (HttpMethod.Get, $"/v1/jobs/{id}/events"),
            (HttpMethod.Post, $"/v1/jobs/{id}/cancel"), (HttpMethod.Delete, $"/v1/jobs/{id}"),
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

        Assert.DoesNotContain(id, await other.IdsAsync("limit=200"));
        using var mine = await owner.GetAsync($"/v1/jobs/{id}", Cancellation);
        Assert.Equal("queued", (await mine.JsonAsync()).GetProperty("state").GetString());
    }
}
