using System.Net;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

public sealed class IdempotencyTests(Platform platform)
{
    private const string Replayed = "Idempotency-Replayed";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_with_the_same_key_gets_the_same_answer_without_a_second_run()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var key = $"{Guid.NewGuid()}";

        using var first = await SendAsync(client, "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), key);
        using var again = await SendAsync(client, "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), key);
        using var other = await SendAsync(client, "/v2/models/digits/infer", Digits.Request([Digits.HeldOut[1].Pixels]), key);
        using var elsewhere = await SendAsync(
            client, "/v2/models/digits/versions/1/infer", Digits.Request([Digits.HeldOut[0].Pixels]), key);

        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.False(first.Headers.Contains(Replayed));
        Assert.Equal("true", again.Headers.GetValues(Replayed).Single());
        Assert.Equal(await first.Content.ReadAsStringAsync(Cancellation), await again.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(first.Content.Headers.ContentType, again.Content.Headers.ContentType);
        Assert.Equal(first.Headers.GetValues("Server-Timing"), again.Headers.GetValues("Server-Timing"));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, HttpStatusCode.UnprocessableEntity), (other.StatusCode, elsewhere.StatusCode));
        Assert.Contains(key, await other.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_to_a_caller_that_takes_gzip_is_kept_so_that_one_who_does_not_can_read_it()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var key = $"{Guid.NewGuid()}";
        StringContent Many() => Digits.Request(Enumerable.Repeat(Digits.HeldOut[0].Pixels, 32));

        using var plain = await SendAsync(client, "/v2/models/digits/infer", Many(), $"{Guid.NewGuid()}-other");
        using var first = await SendAsync(client, "/v2/models/digits/infer", Many(), key, accept: "gzip");
        using var again = await SendAsync(client, "/v2/models/digits/infer", Many(), key, accept: "identity, gzip;q=0");

        Assert.True((await plain.Content.ReadAsByteArrayAsync(Cancellation)).Length > 1024, "Too short to be compressed");
        Assert.Equal("true", again.Headers.GetValues(Replayed).Single());
        Assert.Empty(again.Content.Headers.ContentEncoding);
        Assert.Equal(32, (await again.JsonAsync()).GetProperty("outputs")[0].GetProperty("shape")[0].GetInt32());
        Assert.Equal(await first.Content.ReadAsStringAsync(Cancellation), await again.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task Batch_with_the_same_key_is_the_same_batch()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var key = $"{Guid.NewGuid()}";

        // Longer than what any buffer holds.
        var lines = Enumerable.Range(0, 400).Select(i => BatchCalls.Line(i % 10, $"line-{i}")).ToList();
        using var first = await client.SendBatchAsync(lines, key: key);
        using var again = await client.SendBatchAsync(lines, key: key);
        using var other = await client.SendBatchAsync([.. lines, "{}"], key: key);
        using var list = await client.GetAsync("/v1/batches", Cancellation);

        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted), (first.StatusCode, again.StatusCode));
        Assert.Equal(first.Headers.Location, again.Headers.Location);
        Assert.Equal("true", again.Headers.GetValues(Replayed).Single());
        Assert.Equal(HttpStatusCode.UnprocessableEntity, other.StatusCode);
        Assert.Single((await list.JsonAsync()).GetProperty("batches").EnumerateArray());
    }

    [Fact]
    public async Task Batch_whose_answer_was_lost_is_not_accepted_a_second_time()
    {
        var tenant = await platform.KeyOfNewTenantAsync();
        using var client = platform.WithKey(tenant);
        var key = $"{Guid.NewGuid()}";
        using var first = await client.SendBatchAsync([BatchCalls.Line(1, "one")], key: key);
        Assert.Equal(HttpStatusCode.Accepted, first.StatusCode);
        var id = Guid.Parse(first.Headers.Location!.OriginalString.Split('/')[^1]);

        // As a replica leaves it that is killed after it accepted the batch, once its lock has run out.
        await using var database = await platform.DatabaseAsync();
        await using var lose = database.CreateCommand(
            "UPDATE idempotency_keys SET status = NULL, answer = NULL, locked_until = now() - interval '1 minute' WHERE batch_id = $1");
        lose.Parameters.AddWithValue(id);
        Assert.Equal(1, await lose.ExecuteNonQueryAsync(Cancellation));
        using var other = await client.SendBatchAsync([BatchCalls.Line(2, "two")], key: key);
        using var again = await client.SendBatchAsync([BatchCalls.Line(1, "one")], key: key);
        using var replayed = await client.SendBatchAsync([BatchCalls.Line(1, "one")], key: key);

        Assert.Equal(HttpStatusCode.UnprocessableEntity, other.StatusCode);
        Assert.All([again, replayed], answer =>
        {
            Assert.Equal((HttpStatusCode.Accepted, first.Headers.Location), (answer.StatusCode, answer.Headers.Location));
            Assert.Equal("true", answer.Headers.GetValues(Replayed).Single());
        });
        using var list = await client.GetAsync("/v1/batches", Cancellation);
        Assert.Single((await list.JsonAsync()).GetProperty("batches").EnumerateArray());
    }

    [Fact]
    public async Task Key_is_of_one_credential_and_the_answer_is_not_readable_in_the_database()
    {
        using var one = platform.WithKey(await platform.KeyOfNewTenantAsync());
        using var two = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var key = $"{Guid.NewGuid()}";

        using var first = await SendAsync(one, "/v1/auth/token", null, key);
        using var again = await SendAsync(one, "/v1/auth/token", null, key);
        using var others = await SendAsync(two, "/v1/auth/token", null, key);
        var token = (await first.JsonAsync()).GetProperty("access_token").GetString()!;

        Assert.Equal(token, (await again.JsonAsync()).GetProperty("access_token").GetString());
        Assert.False(others.Headers.Contains(Replayed));
        Assert.NotEqual(token, (await others.JsonAsync()).GetProperty("access_token").GetString());
        await using var database = await platform.DatabaseAsync();
        await using var search = database.CreateCommand("SELECT count(*) FROM idempotency_keys WHERE position($1 IN answer) > 0");
        search.Parameters.AddWithValue("access_token"u8.ToArray());
        Assert.Equal(0L, await search.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task Key_in_hand_answers_409_and_one_whose_process_died_is_free_again()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var (key, tenant) = ($"{Guid.NewGuid()}", await TenantAsync(client));
        using var first = await SendAsync(client, "/v1/auth/token", null, key);
        await platform.ExecuteAsync(
            "UPDATE idempotency_keys SET status = NULL, locked_until = now() + interval '1 hour' WHERE tenant_id = $1", tenant);

        using var busy = await SendAsync(client, "/v1/auth/token", null, key);
        await platform.ExecuteAsync("UPDATE idempotency_keys SET locked_until = now() - interval '1 second' WHERE tenant_id = $1", tenant);
        using var retried = await SendAsync(client, "/v1/auth/token", null, key);
        using var replayed = await SendAsync(client, "/v1/auth/token", null, key);

        Assert.Equal(HttpStatusCode.Conflict, busy.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), busy.Headers.RetryAfter!.Delta);
        Assert.Equal(HttpStatusCode.OK, retried.StatusCode);
        Assert.False(retried.Headers.Contains(Replayed));
        Assert.True(replayed.Headers.Contains(Replayed));
    }

    [Fact]
    public async Task Refusal_is_an_answer_too_and_a_failure_is_none()
    {
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var wrong = $"{Guid.NewGuid()}";
        await platform.SubmitIdleAsync(client);

        using var refused = await SendAsync(client, "/v2/models/digits/infer", Digits.Json("{}"), wrong);
        using var again = await SendAsync(client, "/v2/models/digits/infer", Digits.Json("{}"), wrong);
        var (failed, late) = await FailedAsync(client);
        using var repeated = await SendAsync(client, "/v2/models/idle/infer", Late(), late);

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.BadRequest), (refused.StatusCode, again.StatusCode));
        Assert.True(again.Headers.Contains(Replayed));
        Assert.Equal(await refused.ErrorAsync(), await again.ErrorAsync());
        Assert.InRange((int)failed, 500, 599);
        Assert.False(repeated.Headers.Contains(Replayed));
    }

    // The other replica may not know the model yet, whose 404 would be kept.
    private static async Task<(HttpStatusCode Status, string Key)> FailedAsync(HttpClient client)
    {
        var wait = Wait.For("a replica that knows the model idle");
        while (true)
        {
            var key = $"{Guid.NewGuid()}";
            using var response = await SendAsync(client, "/v2/models/idle/infer", Late(), key);
            if (response.StatusCode != HttpStatusCode.NotFound)
            {
                return (response.StatusCode, key);
            }

            await wait.PauseAsync();
        }
    }

    private static StringContent Late() => Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"parameters\":{\"timeout\":1},");

    [Fact]
    public async Task Caller_who_left_gets_the_answer_by_asking_again()
    {
        using var queue = await ModelQueue.OpenAsync(platform);
        await queue.RegisterAsync();
        using var client = platform.WithKey(await platform.KeyOfNewTenantAsync());
        var (key, path) = ($"{Guid.NewGuid()}", $"/v2/models/{queue.Model}/infer");
        using var leaving = new HttpClient { BaseAddress = client.BaseAddress };
        leaving.DefaultRequestHeaders.Authorization = client.DefaultRequestHeaders.Authorization;
        var first = SendAsync(leaving, path, Digits.Request([Digits.HeldOut[0].Pixels]), key);
        IReadOnlyList<QueuedRequest> taken = [];
        await Wait.UntilAsync(async () => (taken = await queue.Worker.ReadAsync(1)).Count == 1);

        leaving.CancelPendingRequests();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        for (var i = 0; i < 5; i++)
        {
            using var early = await SendAsync(client, path, Digits.Request([Digits.HeldOut[0].Pixels]), key);
            Assert.Equal(HttpStatusCode.Conflict, early.StatusCode);
            await Task.Delay(100, Cancellation);
        }

        var replies = new Replies();
        replies.Refuse(taken[0].Request, ReplyOutcome.Failed, "the only answer", TimeProvider.System.GetUtcNow(), "test");
        await queue.Worker.CompleteAsync(taken, replies);
        var wait = Wait.For("the answer of the first request");
        while (true)
        {
            using var again = await SendAsync(client, path, Digits.Request([Digits.HeldOut[0].Pixels]), key);
            if (again.StatusCode != HttpStatusCode.Conflict)
            {
                Assert.Equal("true", again.Headers.GetValues(Replayed).Single());
                Assert.Equal("the only answer", await again.ErrorAsync());
                break;
            }

            await wait.PauseAsync();
        }
    }

    [Fact]
    public async Task Change_of_a_model_is_made_once()
    {
        using var client = platform.Admin();
        var key = $"{Guid.NewGuid()}";
        var model = $"once-{Guid.NewGuid():N}";
        var file = await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "models", "digits.onnx"), Cancellation);

        using var first = await SendAsync(client, $"/v1/models/{model}/versions", new ByteArrayContent(file), key);
        using var again = await SendAsync(client, $"/v1/models/{model}/versions", new ByteArrayContent(file), key);
        using var versions = await client.GetAsync($"/v1/models/{model}/versions", Cancellation);
        using var removed = await client.DeleteAsync($"/v1/models/{model}", Cancellation);

        Assert.Equal((HttpStatusCode.Accepted, HttpStatusCode.Accepted), (first.StatusCode, again.StatusCode));
        Assert.Equal($"/v1/models/{model}/versions/1", again.Headers.Location!.OriginalString);
        Assert.True(again.Headers.Contains(Replayed));
        Assert.Single((await versions.JsonAsync()).GetProperty("versions").EnumerateArray());
    }

    private static async Task<string> TenantAsync(HttpClient client)
    {
        using var response = await client.PostAsync("/v1/auth/token", null, Cancellation);
        return (await response.JsonAsync()).GetProperty("tenant").GetString()!;
    }

    private static async Task<HttpResponseMessage> SendAsync(
        HttpClient client, string path, HttpContent? content, string key, string? accept = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("Idempotency-Key", key);
        if (accept is not null)
        {
            request.Headers.Add("Accept-Encoding", accept);
        }

        return await client.SendAsync(request, Cancellation);
    }
}
