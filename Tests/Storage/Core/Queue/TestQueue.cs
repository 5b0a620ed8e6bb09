using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Storage;

/// <summary>A queue of its own on the real Redis, with the Api's side and as many workers as a test asks for.</summary>
internal sealed class TestQueue
{
    private readonly Servers _servers;

    public TestQueue(Servers servers, Action<QueueOptions>? configure = null, TimeProvider? time = null)
    {
        _servers = servers;
        Time = time ?? TimeProvider.System;
        configure?.Invoke(Options);
        Requests = new RequestQueue(servers.Redis, Microsoft.Extensions.Options.Options.Create(Options), Time);
        Wakeup = new QueueWakeup(servers.Redis);
        Cancellations = new QueueCancellations(servers.Redis);
        DeadLetters = new DeadLetters(servers.Redis, Microsoft.Extensions.Options.Options.Create(Options), Time);
    }

    public QueueName Name { get; } = new($"m{Guid.NewGuid():N}", "1");

    public QueueOptions Options { get; } = new();

    public TimeProvider Time { get; }

    public RequestQueue Requests { get; }

    public QueueWakeup Wakeup { get; }

    public QueueCancellations Cancellations { get; }

    public DeadLetters DeadLetters { get; }

    public List<(string Reason, int Count)> Dropped { get; } = [];

    public IDatabase Redis => _servers.Redis.GetDatabase();

    public RedisKey State => $"inference:{{{Name}}}:state";

    public QueueConsumer Worker(string name) => new(
        _servers.Redis, Wakeup, Cancellations, Microsoft.Extensions.Options.Options.Create(Options), Time,
        NullLogger<QueueConsumer>.Instance, name, Name.Model, Name.Version)
    {
        Dropped = (reason, count) => Dropped.Add((reason, count)),
    };

    public InferenceRequest Request(
        Priority priority = Priority.Normal, int bytes = 8, RequestKind kind = RequestKind.Call, TimeSpan? timeout = null)
    {
        var now = Time.GetUtcNow();
        return new InferenceRequest(
            Guid.CreateVersion7(), Name.Model, Name.Version, "default", kind, priority, "api-test", now,
            now + (timeout ?? TimeSpan.FromMinutes(1)), null, null, [], [new Tensor("x", Datatype.Uint8, [1, bytes], new byte[bytes])]);
    }

    public async Task<InferenceRequest> EnqueueAsync(
        Priority priority = Priority.Normal, int bytes = 8, RequestKind kind = RequestKind.Call, TimeSpan? timeout = null)
    {
        var request = Request(priority, bytes, kind, timeout);
        var admission = await Requests.EnqueueAsync(request);
        Assert.Equal(EnqueueOutcome.Enqueued, admission.Outcome);
        return request;
    }

    public async Task EnqueueAgainAsync(InferenceRequest request) =>
        Assert.Equal(EnqueueOutcome.Enqueued, (await Requests.EnqueueAsync(request)).Outcome);

    public async Task EnqueueManyAsync(Priority priority, int count)
    {
        var admissions = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => Requests.EnqueueAsync(Request(priority))));
        Assert.All(admissions, a => Assert.Equal(EnqueueOutcome.Enqueued, a.Outcome));
    }

    public async Task<QueueStats> StatsAsync() => (await Requests.StatsAsync([Name]))[0];

    /// <summary>Reads until something comes.</summary>
    public static async Task<IReadOnlyList<QueuedRequest>> ReadUntilAsync(QueueConsumer worker, int count = 10)
    {
        var wait = Wait.For("a request in the queue");
        while (true)
        {
            if (await worker.ReadAsync(count) is { Count: > 0 } requests)
            {
                return requests;
            }

            await wait.PauseAsync();
        }
    }

    public static Task CompleteAsync(QueueConsumer worker, IReadOnlyList<QueuedRequest> requests) =>
        worker.CompleteAsync(requests, new Dictionary<string, ReplyBatch>(StringComparer.Ordinal));
}
