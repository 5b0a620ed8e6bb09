using System.Net;
using System.Text.Json;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api;

/// <summary>Calls that go directly to workers: what a caller is promised whatever its worker does.</summary>
public sealed class DirectTests(Platform platform) : IAsyncLifetime
{
    private ModelQueue? _queue;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ModelQueue Queue => _queue!;

    public async ValueTask InitializeAsync()
    {
        _queue = await ModelQueue.OpenAsync(platform);
        await _queue.RegisterAsync();
    }

    public ValueTask DisposeAsync()
    {
        _queue?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Call_reaches_the_worker_with_its_deadline_and_priority_and_no_queue()
    {
        await using var worker = await DirectWorker.StartAsync(Queue);
        using var client = platform.Admin();

        using var response = await InferAsync(client, "\"parameters\":{\"timeout\":20000000,\"priority\":1},");

        Assert.Contains($"answered by {worker.Id}", await response.ErrorAsync(), StringComparison.Ordinal);
        var request = Assert.Single(worker.Requests);
        Assert.Equal((Queue.Model, Priority.High, 0, TimeSpan.FromSeconds(20)),
            (request.Model, request.Priority, request.EarlierDeliveries, request.Deadline - request.EnqueuedAt));
        Assert.Equal(0, (await Queue.StatsAsync()).Removed);
    }

    [Fact]
    public async Task Answer_lost_with_its_connection_is_asked_of_another_worker_at_once()
    {
        await using var first = await DirectWorker.StartAsync(Queue, (_, link, _) => link.Dispose());
        await using var second = await DirectWorker.StartAsync(Queue, (_, link, _) => link.Dispose());
        await using var third = await DirectWorker.StartAsync(Queue);
        using var client = platform.Admin();

        // Some draw the one that answers first.
        for (var i = 0; i < 20 && third.Requests.All(r => r.EarlierDeliveries == 0); i++)
        {
            using var response = await InferAsync(client);
            Assert.Contains($"answered by {third.Id}", await response.ErrorAsync(), StringComparison.Ordinal);
        }

        Assert.Contains(third.Requests, r => r.EarlierDeliveries > 0);
    }

    [Fact]
    public async Task Request_that_no_worker_survives_is_a_dead_letter_and_503()
    {
        await using var first = await DirectWorker.StartAsync(Queue, (_, link, _) => link.Dispose());
        await using var second = await DirectWorker.StartAsync(Queue, (_, link, _) => link.Dispose());
        await using var third = await DirectWorker.StartAsync(Queue, (_, link, _) => link.Dispose());
        using var client = platform.Admin();

        using var response = await InferAsync(client);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("given to a worker 3 times and never finished", await response.ErrorAsync(), StringComparison.Ordinal);
        Assert.Equal([0, 1, 2], first.Requests.Concat(second.Requests).Concat(third.Requests).Select(r => r.EarlierDeliveries).Order());
        await Wait.UntilAsync(async () =>
        {
            await Queue.Worker.ReadAsync(1);
            return (await Queue.StatsAsync()).DeadLetters == 1;
        });
    }

    [Fact]
    public async Task Request_without_another_worker_goes_through_the_queue_and_runs_alone()
    {
        await using var worker = await DirectWorker.StartAsync(Queue, (_, link, _) => link.Dispose());
        using var client = platform.Admin();

        var call = InferAsync(client);
        var taken = await TakeAsync();

        Assert.True(taken.RunsAlone);
        Assert.Equal(1, taken.Request.EarlierDeliveries);
        await AnswerAsync(taken);
        using var response = await call;
        Assert.Contains("answered from the queue", await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Worker_that_falls_silent_is_given_up_long_before_the_deadline()
    {
        await using var worker = await DirectWorker.StartAsync(Queue, (self, _, _) => self.AnswersPings = false);
        using var client = platform.Admin();

        var call = InferAsync(client, "\"parameters\":{\"timeout\":60000000},");
        var taken = await TakeAsync();

        Assert.True(taken.RunsAlone);
        await AnswerAsync(taken);
        using var response = await call;
        Assert.Contains("answered from the queue", await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Returned_request_goes_on_as_if_it_had_never_been_sent()
    {
        await using var worker = await DirectWorker.StartAsync(Queue, (_, link, request) => DirectWorker.Return(link, request));
        using var client = platform.Admin();

        var call = InferAsync(client);
        var taken = await TakeAsync();

        Assert.False(taken.RunsAlone);
        await AnswerAsync(taken);
        using var response = await call;
        Assert.Contains("answered from the queue", await response.ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_that_failed_on_its_device_is_tried_again_alone()
    {
        await using var worker = await DirectWorker.StartAsync(Queue, (self, link, request) =>
        {
            if (request.EarlierDeliveries == 0)
            {
                DirectWorker.Return(link, request, "the device is gone");
            }
            else
            {
                self.Answer(link, request);
            }
        });
        using var client = platform.Admin();

        using var response = await InferAsync(client);

        Assert.Contains($"answered by {worker.Id}", await response.ErrorAsync(), StringComparison.Ordinal);
        Assert.Equal([0, 1], worker.Requests.Select(r => r.EarlierDeliveries));
    }

    [Fact]
    public async Task Full_workers_are_503_with_Retry_After_and_cost_the_tenant_nothing()
    {
        await using var worker = await DirectWorker.StartAsync(Queue);
        var tenant = await TestTenant.CreateAsync(
            platform, "\"requests_per_minute\":1,\"burst\":2,\"max_concurrency\":1,\"monthly_inferences\":2");
        using var client = await tenant.ClientAsync();
        worker.Does = DirectWorker.Refuse;

        for (var i = 0; i < 4; i++)
        {
            using var refused = await InferAsync(client);

            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Equal($"the queue of '{Queue.Model}' is full (77 requests): try again later", await refused.ErrorAsync());
            Assert.NotNull(refused.Headers.RetryAfter);
            await Task.Delay(TimeSpan.FromMilliseconds(60), Cancellation);
        }

        // As many as its limits allow, as if the others had not been.
        worker.Does = worker.Answer;
        var statuses = new List<HttpStatusCode>();
        for (var i = 0; i < 3; i++)
        {
            using var response = await InferAsync(client);
            statuses.Add(response.StatusCode);
        }

        Assert.Equal([HttpStatusCode.BadRequest, HttpStatusCode.BadRequest, HttpStatusCode.TooManyRequests], statuses);
    }

    [Fact]
    public async Task Worker_hears_that_a_caller_has_left()
    {
        await using var worker = await DirectWorker.StartAsync(Queue, (_, _, _) => { });
        using var client = platform.Admin();
        using var leaves = new CancellationTokenSource();
        var call = client.PostAsync($"/v2/models/{Queue.Model}/infer", Digits.Request([Digits.HeldOut[0].Pixels]), leaves.Token);
        await Wait.UntilAsync(() => !worker.Requests.IsEmpty);

        await leaves.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Wait.UntilAsync(() => worker.Cancelled.Contains(worker.Requests.Single().Id));
    }

    [Theory]
    [InlineData("some other secret that is long enough", Frame.ProtocolVersion)]
    [InlineData(Platform.DirectSecret, Frame.ProtocolVersion + 1)]
    public async Task Worker_with_another_secret_or_protocol_is_left_to_the_queue(string secret, byte version)
    {
        await using var worker = await DirectWorker.ListenAsync(Queue, secret, version);
        if (version == Frame.ProtocolVersion)
        {
            await Wait.UntilAsync(() => worker.Accepted >= 2);
        }

        using var client = platform.Admin();
        var call = InferAsync(client);
        var taken = await TakeAsync();
        await AnswerAsync(taken);

        using var response = await call;
        Assert.Contains("answered from the queue", await response.ErrorAsync(), StringComparison.Ordinal);
        Assert.Empty(worker.Requests);
    }

    [Fact]
    public async Task What_workers_hold_counts_in_depth_age_and_bytes_of_the_queue()
    {
        await using var worker = await DirectWorker.StartAsync(Queue);
        using var client = platform.Admin();

        JsonElement queue = default;
        await Wait.UntilAsync(async () =>
        {
            queue = JsonElement.Parse(await client.GetStringAsync("/v1/queues", Cancellation)).GetProperty("queues")
                .EnumerateArray().SingleOrDefault(q => q.GetProperty("model").GetString() == Queue.Model);
            return queue.ValueKind == JsonValueKind.Object && queue.GetProperty("depth").GetProperty("high").GetInt64() > 0;
        });
        Assert.Equal(3, queue.GetProperty("depth").GetProperty("high").GetInt64());
        Assert.Equal((0L, 4000L, 7.5), (queue.GetProperty("waiting").GetInt64(), queue.GetProperty("bytes").GetInt64(),
            queue.GetProperty("oldest_seconds").GetDouble()));

        // Each replica keeps what it has seen for a second.
        await Wait.UntilAsync(async () =>
        {
            using var overview = JsonDocument.Parse(await client.GetStringAsync("/v1/overview", Cancellation));
            var status = overview.RootElement.GetProperty("workers")
                .EnumerateArray().SingleOrDefault(w => w.GetProperty("id").GetString() == worker.Id);
            return status.ValueKind == JsonValueKind.Object
                && status.GetProperty("direct").ValueKind == JsonValueKind.Null
                && overview.RootElement.GetProperty("queue_depth").GetInt64() >= 12
                && overview.RootElement.GetProperty("oldest_wait_seconds").GetDouble() >= 7.5;
        });

        using var scaler = platform.Anonymous();
        scaler.DefaultRequestHeaders.Add("Authorization", $"Bearer {Platform.ScalingToken}");
        await Wait.UntilAsync(async () =>
        {
            using var demand = JsonDocument.Parse(await scaler.GetStringAsync("/scaling/workers", Cancellation));
            return demand.RootElement.GetProperty("waiting").GetInt64() >= 12;
        });
    }

    private async Task<QueuedRequest> TakeAsync()
    {
        IReadOnlyList<QueuedRequest> taken = [];
        await Wait.UntilAsync(async () => (taken = await Queue.Worker.ReadAsync(1)).Count == 1);
        return taken[0];
    }

    private async Task AnswerAsync(QueuedRequest taken)
    {
        var replies = new Replies();
        replies.Refuse(taken.Request, ReplyOutcome.Failed, "answered from the queue", TimeProvider.System.GetUtcNow(), "test");
        await Queue.Worker.CompleteAsync([taken], replies);
    }

    private Task<HttpResponseMessage> InferAsync(HttpClient client, string extra = "") => client.PostAsync(
        $"/v2/models/{Queue.Model}/infer", Digits.Request([Digits.HeldOut[0].Pixels], extra: extra), Cancellation);
}
