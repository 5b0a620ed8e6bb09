using System.Net;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>The queue as callers and administrators meet it, of models that no worker serves.</summary>
public sealed class QueueTests(Platform platform) : IAsyncLifetime
{
    private ModelQueue? _queue;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ModelQueue Queue => _queue!;

    public async ValueTask InitializeAsync() => _queue = await ModelQueue.OpenAsync(platform);

    public ValueTask DisposeAsync()
    {
        _queue?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Dead_letters_can_be_seen_requeued_and_purged()
    {
        var worker = Queue.Worker;
        await Queue.RegisterAsync();
        var ids = await Queue.DeadLetterAsync(4);
        using var client = platform.Admin();
        var path = $"/v1/queues/{Queue.Model}/1/dead-letters";

        var first = await GetAsync(client, $"{path}?limit=3");
        var letters = first.GetProperty("dead_letters").EnumerateArray().ToList();
        var rest = await GetAsync(client, $"{path}?limit=3&after={first.GetProperty("next").GetString()}");

        Assert.Equal(ids, letters.Concat(rest.GetProperty("dead_letters").EnumerateArray())
            .Select(l => l.GetProperty("request").GetProperty("id").GetGuid()));
        Assert.Null(rest.GetProperty("next").GetString());
        Assert.Equal("no good", letters[0].GetProperty("reason").GetString());
        var input = Assert.Single(letters[0].GetProperty("request").GetProperty("inputs").EnumerateArray());
        Assert.Equal(("x", "UINT8", 3),
            (input.GetProperty("name").GetString(), input.GetProperty("datatype").GetString(), input.GetProperty("bytes").GetInt32()));

        var id = letters[0].GetProperty("id").GetString();
        Assert.Equal(HttpStatusCode.OK, await SendAsync(client, HttpMethod.Post, $"{path}/{id}/requeue"));
        Assert.Equal(HttpStatusCode.NotFound, await SendAsync(client, HttpMethod.Post, $"{path}/{id}/requeue"));
        var purged = letters[1].GetProperty("id").GetString();
        Assert.Equal(HttpStatusCode.NoContent, await SendAsync(client, HttpMethod.Delete, $"{path}/{purged}"));
        Assert.Equal(HttpStatusCode.NotFound, await SendAsync(client, HttpMethod.Delete, $"{path}/{purged}"));
        Assert.Equal(ids[0], Assert.Single(await worker.ReadAsync(10)).Request.Id);

        Assert.Equal(HttpStatusCode.OK, await SendAsync(client, HttpMethod.Post, $"{path}/requeue"));
        Assert.Equal(ids[2..], (await worker.ReadAsync(10)).Select(r => r.Request.Id));
        await Queue.DeadLetterAsync(1);
        Assert.Equal(HttpStatusCode.OK, await SendAsync(client, HttpMethod.Delete, path));
        Assert.Empty((await GetAsync(client, path)).GetProperty("dead_letters").EnumerateArray());
    }

    [Fact]
    public async Task Dead_letters_of_a_version_that_is_gone_can_be_seen_and_purged_but_not_requeued()
    {
        await Queue.DeadLetterAsync(1);
        using var client = platform.Admin();
        var path = $"/v1/queues/{Queue.Model}/1/dead-letters";
        var id = Assert.Single((await GetAsync(client, path)).GetProperty("dead_letters").EnumerateArray()).GetProperty("id").GetString();

        foreach (var requeue in new[] { $"{path}/requeue", $"{path}/{id}/requeue" })
        {
            using var response = await client.PostAsync(requeue, null, Cancellation);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            Assert.Equal(
                $"there is no version '1' of a model '{Queue.Model}'", (await response.JsonAsync()).GetProperty("detail").GetString());
        }

        Assert.Equal((0, 1), ((await Queue.StatsAsync()).Depth, (await Queue.StatsAsync()).DeadLetters));
        Assert.Equal(HttpStatusCode.OK, await SendAsync(client, HttpMethod.Delete, path));
        Assert.Equal(HttpStatusCode.NotFound, await SendAsync(client, HttpMethod.Get, path));
    }

    [Fact]
    public async Task What_waits_for_a_model_is_told_when_it_is_unloaded_and_when_it_is_deleted()
    {
        await Queue.RegisterAsync();
        using var client = platform.Admin();
        var job = await SubmitJobAsync(client);

        await RefusedAsync(
            () => client.PostAsync($"/v2/repository/models/{Queue.Model}/unload", null, Cancellation),
            $"the model '{Queue.Model}' is unloaded");
        Assert.Equal(1, (await Queue.StatsAsync()).Depth);
        using (var loaded = await client.PostAsync($"/v2/repository/models/{Queue.Model}/load", null, Cancellation))
        {
            Assert.Equal(HttpStatusCode.OK, loaded.StatusCode);
        }

        await client.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, $"/v2/models/{Queue.Model}"),
            response => Task.FromResult(response.IsSuccessStatusCode));
        await RefusedAsync(
            () => client.DeleteAsync($"/v1/models/{Queue.Model}", Cancellation), $"there is no version '1' of a model '{Queue.Model}'");

        var ended = await client.EndedAsync(job);
        Assert.Equal("failed", ended.GetProperty("state").GetString());
        Assert.Equal(
            $"version 1 of '{Queue.Model}' was deleted before the job could run",
            ended.GetProperty("error").GetString());
        await Wait.UntilAsync(async () =>
            await Queue.Redis.GetDatabase().KeyExistsAsync(QueueKeys.All(new QueueName(Queue.Model, "1"))) == 0);
    }

    [Fact]
    public async Task Newest_dead_letters_of_all_queues_are_listed_with_their_queue()
    {
        using var other = await ModelQueue.OpenAsync(platform);
        var first = await other.DeadLetterAsync(1);
        var second = await Queue.DeadLetterAsync(2);
        await Queue.RegisterAsync();
        await other.RegisterAsync();
        using var client = platform.Admin();

        var list = await GetAsync(client, "/v1/queues/dead-letters?limit=500");
        var mine = list.GetProperty("dead_letters").EnumerateArray()
            .Where(l => l.GetProperty("model").GetString() is var model && (model == Queue.Model || model == other.Model)).ToList();
        Assert.Equal([second[1], second[0], first[0]], mine.Select(l => l.GetProperty("request").GetProperty("id").GetGuid()));
        Assert.Equal("1", mine[0].GetProperty("version").GetString());
        Assert.Equal(ModelQueue.Trace, mine[0].GetProperty("request").GetProperty("trace_id").GetString());
        Assert.True(list.GetProperty("total").GetInt64() >= 3);
        await Wait.UntilAsync(async () => (await GetAsync(client, "/v1/overview")).GetProperty("dead_letters").GetInt64() >= 3);

        var one = await GetAsync(client, $"/v1/queues/dead-letters?model={Queue.Model}&limit=1");
        Assert.Equal(
            second[1], Assert.Single(one.GetProperty("dead_letters").EnumerateArray()).GetProperty("request").GetProperty("id").GetGuid());
        Assert.Equal(2, one.GetProperty("total").GetInt64());

        // What is taken out of service keeps its dead letters.
        Assert.Equal(
            HttpStatusCode.OK, await SendAsync(client, HttpMethod.Post, $"/v2/repository/models/{Queue.Model}/unload"));
        await Wait.UntilAsync(async () => !(await GetAsync(client, "/v1/overview")).GetProperty("models").EnumerateArray()
            .Any(m => m.GetProperty("name").GetString() == Queue.Model));
        var unloaded = await GetAsync(client, $"/v1/queues/dead-letters?model={Queue.Model}");
        Assert.Equal(2, unloaded.GetProperty("total").GetInt64());
        var queue = (await GetAsync(client, "/v1/queues")).GetProperty("queues").EnumerateArray()
            .Single(q => q.GetProperty("model").GetString() == Queue.Model);
        Assert.Equal(2, queue.GetProperty("dead_letters").GetInt64());
        Assert.Equal(HttpStatusCode.BadRequest, await SendAsync(client, HttpMethod.Get, "/v1/queues/dead-letters?limit=501"));
    }

    [Theory]
    [InlineData("?limit=0", HttpStatusCode.BadRequest)]
    [InlineData("?limit=501", HttpStatusCode.BadRequest)]
    [InlineData("?after=yesterday", HttpStatusCode.BadRequest)]
    [InlineData("/nonsense", HttpStatusCode.NotFound)]
    public async Task Dead_letters_are_not_given_for_a_wrong_question(string question, HttpStatusCode status)
    {
        using var client = platform.Admin();

        var method = question[0] == '?' ? HttpMethod.Get : HttpMethod.Delete;
        Assert.Equal(status, await SendAsync(client, method, $"/v1/queues/{Queue.Model}/1/dead-letters{question}"));
    }

    [Theory]
    [InlineData("GET", "/v1/queues")]
    [InlineData("GET", "/v1/queues/dead-letters")]
    [InlineData("GET", "/v1/queues/digits/1/dead-letters")]
    [InlineData("POST", "/v1/queues/digits/1/dead-letters/requeue")]
    [InlineData("POST", "/v1/queues/digits/1/dead-letters/1-0/requeue")]
    [InlineData("DELETE", "/v1/queues/digits/1/dead-letters")]
    [InlineData("DELETE", "/v1/queues/digits/1/dead-letters/1-0")]
    public async Task Queues_are_for_administrators_only(string method, string path)
    {
        await using var keys = await TestKeys.OpenAsync(platform);
        using var user = platform.WithKey(await keys.CreateAsync("user"));
        using var nobody = platform.Anonymous();

        Assert.Equal(HttpStatusCode.Forbidden, await SendAsync(user, new HttpMethod(method), path));
        Assert.Equal(HttpStatusCode.Unauthorized, await SendAsync(nobody, new HttpMethod(method), path));
    }

    [Fact]
    public async Task Queues_show_what_waits_by_priority()
    {
        await Queue.RegisterAsync();
        await Queue.EnqueueAsync(Priority.High);
        await Queue.EnqueueAsync(Priority.Low);
        await Queue.EnqueueAsync(Priority.Low);
        using var client = platform.Admin();

        var mine = (await GetAsync(client, "/v1/queues")).GetProperty("queues").EnumerateArray()
            .Single(q => q.GetProperty("model").GetString() == Queue.Model);

        var depth = mine.GetProperty("depth");
        Assert.Equal(
            (1, 0, 2), (depth.GetProperty("high").GetInt32(), depth.GetProperty("normal").GetInt32(), depth.GetProperty("low").GetInt32()));
        Assert.Equal(3, mine.GetProperty("waiting").GetInt32());
        Assert.True(mine.GetProperty("bytes").GetInt64() > 0);

        // Seen every two seconds by each replica.
        await Wait.UntilAsync(async () => (await client.GetStringAsync("/metrics", Cancellation)).Split('\n').Any(l =>
            l.StartsWith("inference_queue_depth{", StringComparison.Ordinal) && l.Contains(Queue.Model, StringComparison.Ordinal)
            && l.Contains("priority=\"low\"", StringComparison.Ordinal) && l.Contains("} 2", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(1, Priority.High)]
    [InlineData(0, Priority.Normal)]
    [InlineData(7, Priority.Low)]
    public async Task Infer_queues_by_the_priority_that_is_asked_for(int asked, Priority priority)
    {
        await Queue.RegisterAsync();
        using var client = platform.Admin();

        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var call = client.PostAsync($"/v2/models/{Queue.Model}/infer", Body($"\"priority\":{asked}"), leaving.Token);

        QueueLevelStats[] levels = [];
        await Wait.UntilAsync(async () => (levels = (await Queue.StatsAsync()).Levels).Any(l => l.Depth > 0));
        Assert.Equal(priority, Assert.Single(levels, l => l.Depth == 1).Priority);
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task Work_of_a_caller_who_left_never_reaches_a_worker()
    {
        await Queue.RegisterAsync();
        using var client = platform.Admin();
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var call = client.PostAsync($"/v2/models/{Queue.Model}/infer", Body(""), leaving.Token);
        await Wait.UntilAsync(async () => (await Queue.StatsAsync()).Depth != 0);

        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);

        // The mark comes a moment after the connection ends.
        await Wait.UntilAsync(async () => await Queue.Redis.GetDatabase().KeyExistsAsync($"inference:{{{Queue.Model}/1}}:cancelled"));

        var dropped = new List<(string, int)>();
        Queue.Worker.Dropped = (reason, count) => dropped.Add((reason, count));
        Assert.Empty(await Queue.Worker.ReadAsync(10));
        Assert.Equal([("cancelled", 1)], dropped);
    }

    // A call that waits, and would for a minute.
    private async Task RefusedAsync(Func<Task<HttpResponseMessage>> withdraw, string reason)
    {
        using var client = platform.Admin();
        var depth = (await Queue.StatsAsync()).Depth;
        var call = InferAsync(client, "\"timeout\":60000000");
        await Wait.UntilAsync(async () => (await Queue.StatsAsync()).Depth > depth);

        using var withdrawn = await withdraw();
        Assert.True(withdrawn.IsSuccessStatusCode);

        using var response = await call;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(reason, (await response.JsonAsync()).GetProperty("error").GetString());
    }

    private async Task<Guid> SubmitJobAsync(HttpClient client)
    {
        using var response = await client.SubmitAsync(Queue.Model);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var id = (await response.JsonAsync()).GetProperty("id").GetGuid();
        await Wait.UntilAsync(async () => (await Queue.StatsAsync()).Depth == 1);
        return id;
    }

    private Task<HttpResponseMessage> InferAsync(HttpClient client, string parameters) =>
        client.PostAsync($"/v2/models/{Queue.Model}/infer", Body(parameters), Cancellation);

    private static StringContent Body(string parameters) =>
        Digits.Request([Digits.HeldOut[0].Pixels], extra: $"\"parameters\":{{{parameters}}},");

    private static async Task<System.Text.Json.JsonElement> GetAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(path, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.JsonAsync();
    }

    private static async Task<HttpStatusCode> SendAsync(HttpClient client, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        using var response = await client.SendAsync(request, Cancellation);
        return response.StatusCode;
    }
}
