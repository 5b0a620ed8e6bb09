using Aspire.Hosting.Testing;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Api;

/// <summary>The queue of a model that no worker serves, with a worker that is the test's.</summary>
internal sealed class ModelQueue : IDisposable
{
    private static readonly IOptions<QueueOptions> Defaults = Options.Create(new QueueOptions());

    private static readonly TimeSpan s_beforeDeadlines = Defaults.Value.DefaultTimeout * 2 / 3;

    private readonly CancellationTokenSource _left = new();
    private readonly Platform _platform;

    private ModelQueue(Platform platform, ConnectionMultiplexer redis)
    {
        _platform = platform;
        Redis = redis;
        Requests = new RequestQueue(redis, Defaults, TimeProvider.System);
        Worker = new QueueConsumer(
            redis, new QueueWakeup(redis), new QueueCancellations(redis), Defaults, TimeProvider.System,
            NullLogger<QueueConsumer>.Instance, "test", Model, "1");
    }

    /// <summary>What a request may have at most, and more than <see cref="EmptiesBeforeDeadlinesAsync"/> waits.</summary>
    public static TimeSpan LongestTimeout => Defaults.Value.MaxTimeout;

    public string Model { get; } = $"q{Guid.NewGuid():N}"[..12];

    public ConnectionMultiplexer Redis { get; }

    public RequestQueue Requests { get; }

    public QueueConsumer Worker { get; }

    public static async Task<ModelQueue> OpenAsync(Platform platform) =>
        new(platform, await ConnectionMultiplexer.ConnectAsync((await platform.App.GetConnectionStringAsync("redis"))!));

    public async Task<QueueStats> StatsAsync() => (await Requests.StatsAsync([new QueueName(Model, "1")]))[0];

    /// <summary>Waits until it holds nothing, for less than it takes a request to be dropped for its deadline.</summary>
    public Task EmptiesBeforeDeadlinesAsync() =>
        Wait.UntilAsync(async () => (await Worker.ReadAsync(1)).Count == 0 && (await StatsAsync()).Depth == 0, s_beforeDeadlines);

    /// <summary>Of the requests that it is given.</summary>
    public const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";

    public Task<Admission> EnqueueAsync(Priority priority)
    {
        var now = TimeProvider.System.GetUtcNow();
        return Requests.EnqueueAsync(new InferenceRequest(
            Guid.CreateVersion7(), Model, "1", "default", RequestKind.Call, priority, "", now, now.AddMinutes(5),
            $"00-{Trace}-00f067aa0ba902b7-01", null, [],
            [new Tensor("x", Datatype.Uint8, [3], new byte[] { 1, 2, 3 })]));
    }

    /// <summary>Makes dead letters.</summary>
    /// <returns>The ids of their requests.</returns>
    public async Task<List<Guid>> DeadLetterAsync(int count)
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

    /// <summary>
    /// Makes the model known to every Api replica. The platform's worker can't load it, and leaves it to a worker elsewhere, which is
    /// the test's.
    /// </summary>
    /// <param name="signature">As JSON; null for that of the digits.</param>
    public async Task RegisterAsync(string? signature = null)
    {
        await JoinFleetAsync();
        await _platform.ExecuteAsync($$"""
            INSERT INTO models (name, settings, created_at, updated_at) VALUES ('{{Model}}', '{}', now(), now());
            INSERT INTO model_versions (model, version, platform, sha256, size_bytes, signature, registered_at)
            SELECT '{{Model}}', version, platform, repeat('0', 64), size_bytes, {{(signature is null ? "signature" : $"'{signature}'")}},
                registered_at FROM model_versions WHERE model = 'digits' AND version = '1'
            """);

        // Each of the replicas reads the catalogue at most once a second.
        using var client = _platform.Admin();
        await client.KnownAsync(Model);
    }

    // Says that another worker is there and ready, until this is disposed.
    private async Task JoinFleetAsync()
    {
        var fleet = new FleetRegistry(Redis);
        var status = new WorkerStatus(
            $"test-{Model}", "elsewhere", TimeProvider.System.GetUtcNow(), Ready: true, "cpu", "CPUExecutionProvider", [], 0, 0, 0, 0);
        await fleet.ReportAsync(status);
        _ = BeatAsync();

        async Task BeatAsync()
        {
            while (!_left.IsCancellationRequested)
            {
                try
                {
                    await fleet.ReportAsync(status);
                }
                catch (Exception late) when (late is RedisException or TimeoutException)
                {
                    // A busy machine: the next beat may be in time.
                }

                await Task.Delay(TimeSpan.FromSeconds(1), _left.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    public void Dispose()
    {
        _left.Cancel();
        Redis.Dispose();
        _left.Dispose();
    }
}
