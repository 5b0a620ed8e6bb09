using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Tensors;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A platform with room for two requests a model.</summary>
public sealed class NarrowPlatform : Platform
{
    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        foreach (var service in builder.Resources.OfType<ProjectResource>().Where(p => p.Name is "api" or "worker").ToList())
        {
            builder.CreateResourceBuilder(service).WithEnvironment("Queue__MaxDepth", "2");
        }
    }
}

public sealed class FailureTests(NarrowPlatform platform) : IClassFixture<NarrowPlatform>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_is_answered_504_in_time_when_no_worker_serves_its_model_and_503_when_its_queue_is_full()
    {
        await RegisterModelThatNobodyServesAsync("ghost");
        using var client = platform.Admin();

        using var first = await InferAsync(client, "ghost");
        using var second = await InferAsync(client, "ghost");
        using var third = await InferAsync(client, "ghost");

        Assert.Equal(HttpStatusCode.GatewayTimeout, first.StatusCode);
        Assert.Contains("no worker answered within 0.1 s", await ErrorAsync(first), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.GatewayTimeout, second.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, third.StatusCode);
        Assert.Contains("the queue of 'ghost' is full (2 requests)", await ErrorAsync(third), StringComparison.Ordinal);
        Assert.NotNull(third.Headers.RetryAfter);

        // Known to be full for a moment, it is not worth reading the body: what stands there is not looked at. The client's one
        // connection leads to one replica.
        HttpResponseMessage unread;
        do
        {
            (await InferAsync(client, "ghost")).Dispose();
            unread = await client.PostAsync("/v2/models/ghost/infer", Digits.Json("rubbish"), Cancellation);
        }
        while (unread.StatusCode == HttpStatusCode.BadRequest);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, unread.StatusCode);
        Assert.InRange(unread.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        unread.Dispose();

        // The other model's queue is its own.
        using var other = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
    }

    [Fact]
    public async Task Worker_serves_on_when_redis_has_lost_all_its_data()
    {
        using var client = platform.Admin();
        await OnRedisAsync("FLUSHALL");

        using var response = await client.PostAsync("/v2/models/digits/infer", Digits.Request([Digits.HeldOut[0].Pixels]), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Call_that_died_with_its_worker_is_answered_by_another_and_given_up_when_it_ended_too_many()
    {
        using var redis = await ConnectionMultiplexer.ConnectAsync((await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        var inbox = new ReplyInbox(redis, NullLogger<ReplyInbox>.Instance);
        await inbox.StartAsync(Cancellation);
        var (again, givenUp) = (Call(inbox.Replica), Call(inbox.Replica));
        using var first = inbox.Expect(again.Id);
        using var second = inbox.Expect(givenUp.Id);

        await TakeByDeadWorkerAsync(redis, again, deliveries: 1);
        await TakeByDeadWorkerAsync(redis, givenUp, deliveries: 3);

        Assert.Equal(ReplyOutcome.Completed, (await first.Reply.WaitAsync(Cancellation)).Outcome);
        Assert.Equal(ReplyOutcome.Unavailable, (await second.Reply.WaitAsync(Cancellation)).Outcome);
        using var client = platform.Admin();
        var letters = await client.GetStringAsync("/v1/queues/digits/1/dead-letters", Cancellation);
        Assert.Contains($"{givenUp.Id}", letters, StringComparison.Ordinal);
        Assert.DoesNotContain($"{again.Id}", letters, StringComparison.Ordinal);
    }

    private static InferenceRequest Call(string replyTo)
    {
        var now = TimeProvider.System.GetUtcNow();
        var pixels = MemoryMarshal.AsBytes(Digits.HeldOut[0].Pixels.AsSpan()).ToArray();
        return new InferenceRequest(
            Guid.CreateVersion7(), "digits", "1", "default", RequestKind.Call, Priority.Normal, replyTo, now, now.AddMinutes(5), null, null, [],
            [new Tensor("image", Datatype.Fp32, [1, 8, 8], pixels)]);
    }

    // Queued and taken in one step, so that no living worker comes first; then as old as work that nobody renewed.
    private static Task<RedisResult> TakeByDeadWorkerAsync(ConnectionMultiplexer redis, InferenceRequest request, int deliveries) =>
        redis.GetDatabase().ScriptEvaluateAsync(
            """
            redis.pcall('XGROUP', 'CREATE', KEYS[1], 'workers', '0', 'MKSTREAM')
            local entry = redis.call('XADD', KEYS[1], '*', 'request', ARGV[1], 'id', ARGV[2], 'deadline', ARGV[3], 'kind', '0')
            redis.call('XREADGROUP', 'GROUP', 'workers', 'dead', 'STREAMS', KEYS[1], '>')
            redis.call('XCLAIM', KEYS[1], 'workers', 'dead', 0, entry, 'IDLE', 3600000, 'RETRYCOUNT', ARGV[4], 'JUSTID')
            return entry
            """,
            ["inference:{digits/1}:queue:normal"],
            [RequestCodec.Encode(request), request.Id.ToByteArray(), request.Deadline.ToUnixTimeMilliseconds(), deliveries]);

    private async Task RegisterModelThatNobodyServesAsync(string model)
    {
        await using var database = await platform.DatabaseAsync();
        await using var command = database.CreateCommand("""
            WITH named AS (INSERT INTO models (name, settings, created_at, updated_at) VALUES ($1, '{}', now(), now()))
            INSERT INTO model_versions (model, version, platform, sha256, size_bytes, signature, registered_at)
            SELECT $1, version, platform, sha256, size_bytes, signature, registered_at FROM model_versions WHERE model = 'digits'
            """);
        command.Parameters.AddWithValue(model);
        await command.ExecuteNonQueryAsync(Cancellation);

        // Each of the replicas reads the catalogue at most once a second.
        using var client = platform.Admin();
        for (var seen = 0; seen < 20;)
        {
            using var fresh = platform.Admin();
            using var response = await fresh.GetAsync($"/v2/models/{model}", Cancellation);
            seen = response.IsSuccessStatusCode ? seen + 1 : 0;
        }
    }

    private static Task<HttpResponseMessage> InferAsync(HttpClient client, string model) => client.PostAsync(
        $"/v2/models/{model}/infer",
        Digits.Request([Digits.HeldOut[0].Pixels], extra: "\"parameters\":{\"timeout\":100000},"),
        Cancellation);

    private static async Task<string> ErrorAsync(HttpResponseMessage response)
    {
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return body.RootElement.GetProperty("error").GetString()!;
    }

    private async Task OnRedisAsync(string command)
    {
        var options = ConfigurationOptions.Parse((await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        options.AllowAdmin = true;
        using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        await redis.GetDatabase().ExecuteAsync(command);
    }
}
