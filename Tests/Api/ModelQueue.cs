using Aspire.Hosting.Testing;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Tensors;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Api;

/// <summary>The queue of a model that no worker serves, with a worker that is the test's.</summary>
internal sealed class ModelQueue : IDisposable
{
    private static readonly IOptions<QueueOptions> Defaults = Options.Create(new QueueOptions());

    private ModelQueue(ConnectionMultiplexer redis)
    {
        Redis = redis;
        Requests = new RequestQueue(redis, Defaults, TimeProvider.System);
        Worker = new QueueConsumer(
            redis, new QueueWakeup(redis), new QueueCancellations(redis), Defaults, TimeProvider.System,
            NullLogger<QueueConsumer>.Instance, "test", Model, "1");
    }

    public string Model { get; } = $"q{Guid.NewGuid():N}"[..12];

    public ConnectionMultiplexer Redis { get; }

    public RequestQueue Requests { get; }

    public QueueConsumer Worker { get; }

    public static async Task<ModelQueue> OpenAsync(Platform platform) =>
        new(await ConnectionMultiplexer.ConnectAsync((await platform.App.GetConnectionStringAsync("redis"))!));

    public async Task<QueueStats> StatsAsync() => (await Requests.StatsAsync([new QueueName(Model, "1")]))[0];

    public Task<Admission> EnqueueAsync(Priority priority)
    {
        var now = TimeProvider.System.GetUtcNow();
        return Requests.EnqueueAsync(new InferenceRequest(
            Guid.CreateVersion7(), Model, "1", "default", RequestKind.Call, priority, "", now, now.AddMinutes(5), null, null, [],
            [new Tensor("x", Datatype.Uint8, [3], new byte[] { 1, 2, 3 })]));
    }

    /// <summary>Makes dead letters.</summary>
    /// <returns>The ids of their requests.</returns>
    public async Task<List<Guid>> BuryAsync(int count)
    {
        var ids = new List<Guid>();
        for (var i = 0; i < count; i++)
        {
            await EnqueueAsync(Priority.Normal);
            var taken = Assert.Single(await Worker.ReadAsync(1));
            await Worker.DeadLetterAsync(taken, "no good");
            ids.Add(taken.Request.Id);
        }

        return ids;
    }

    public void Dispose() => Redis.Dispose();
}
