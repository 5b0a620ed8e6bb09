using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using InferenceTemplate.Core;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Direct;
using InferenceTemplate.Tests.Worker.Execution;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Batching;
using InferenceTemplate.Worker.Direct;
using InferenceTemplate.Worker.Draining;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.Generation;
using InferenceTemplate.Worker.Jobs;
using InferenceTemplate.Worker.ModelCache;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace InferenceTemplate.Tests.Worker.Batching;

/// <summary>One worker's server of one model over a real queue, with an Api's side to send requests and get answers.</summary>
internal sealed class ServedModel : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ServiceProvider _meters = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly QueueWakeup _wakeup;
    private readonly QueueCancellations _cancellations;
    private readonly ReplyInbox _inbox;
    private readonly RequestQueue _queue;
    private readonly ModelSession _session;
    private readonly MeterListener _listener = new();
    private readonly ServiceProvider _services;
    private readonly List<InferenceRequest> _unsent = [];
    private readonly Way _way;
    private Task? _serving;
    private DirectReplica? _replica;

    private ServedModel(
        Servers servers, ModelSession session, ModelSettings settings, WorkerOptions options, ResponseOptions responses,
        bool batched, Way way,
        QueueOptions bounds,
        JobOptions jobs,
        NpgsqlDataSource? database)
    {
        var (redis, queue) = (servers.Redis, Options.Create(bounds));
        _way = way;
        Name = session.File.Model;
        _wakeup = new QueueWakeup(redis);
        _cancellations = new QueueCancellations(redis);
        _inbox = new ReplyInbox(redis, Options.Create(responses), NullLogger<ReplyInbox>.Instance);
        _queue = new RequestQueue(redis, queue, TimeProvider.System);
        _session = session;
        State = new ServingState(TimeProvider.System);
        Drain = new DrainSignal(State, TimeProvider.System, NullLogger<DrainSignal>.Instance);
        var telemetry = new Telemetry(_meters.GetRequiredService<IMeterFactory>());
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope == _meters.GetRequiredService<IMeterFactory>() && instrument.Name == "inference.batch.size")
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((_, rows, _, _) => Batches.Enqueue(rows));
        _listener.Start();
        _services = new ServiceCollection()
            .AddLogging()
            .AddCore()
            .AddData()
            .AddSingleton(database ?? servers.Database)
            .AddSingleton(Options.Create(jobs))
            .AddSingleton(redis)
            .AddSingleton(queue)
            .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddSingleton(Options.Create(options))
            .AddSingleton(Options.Create(responses))
            .AddSingleton(TimeProvider.System)
            .AddSingleton(_wakeup)
            .AddSingleton(_cancellations)
            .AddSingleton(TestModels.Cpu)
            .AddSingleton(State)
            .AddSingleton(Drain)
            .AddSingleton<DirectServers>()
            .AddSingleton<DirectListener>()
            .AddSingleton(Options.Create(new DirectOptions { Secret = DirectReplica.Secret, Host = "127.0.0.1" }))
            .AddSingleton(telemetry)
            .AddSingleton(Options.Create(new GenerationOptions { Slots = 2 }))
            .AddSingleton(new GenerationTelemetry(_meters.GetRequiredService<IMeterFactory>()))
            .AddSingleton(JobLeaseTrackerTests.NoCosts())
            .AddSingleton<JobLeaseTracker>()
            .AddSingleton<QueueConsumers>()
            .AddSingleton<BatchTrust>()
            .AddSingleton<TriedInputs>()
            .AddSingleton<ModelServerFactory>()
            .BuildServiceProvider();
        Server = _services.GetRequiredService<ModelServerFactory>().Create(_session, new ServingPlan(settings, batched));
    }

    public string Name { get; }

    public ServingState State { get; }

    public DrainSignal Drain { get; }

    public ModelServer Server { get; }

    public DirectListener Listener => _services.GetRequiredService<DirectListener>();

    public DirectServers Direct => _services.GetRequiredService<DirectServers>();

    /// <summary>The other end of the direct connection; there once it is served, where requests go that way.</summary>
    public DirectReplica Replica => _replica!;

    /// <summary>Whether requests may still share runs, as far as this worker has seen.</summary>
    public bool IsTrusted => _services.GetRequiredService<BatchTrust>().Holds(new ModelKey(Name, "1"));

    /// <summary>Rows of each run, in order.</summary>
    public ConcurrentQueue<int> Batches { get; } = new();

    /// <summary>Prepares it; nothing is served before <see cref="Serve"/>.</summary>
    public static Task<ServedModel> CreateAsync(
        Servers servers, byte[] model, ModelSettings? settings = null, WorkerOptions? options = null, string? name = null,
        ResponseOptions? responses = null, bool batched = true, Way way = Way.Queue, QueueOptions? bounds = null,
        JobOptions? jobs = null, NpgsqlDataSource? database = null) => CreateAsync(
            servers, TestModels.Open(model, name ?? $"m{Guid.NewGuid():N}"), settings, options, responses, batched, way, bounds, jobs,
            database);

    /// <param name="session">Closed with the server.</param>
    public static async Task<ServedModel> CreateAsync(
        Servers servers, ModelSession session, ModelSettings? settings = null, WorkerOptions? options = null,
        ResponseOptions? responses = null, bool batched = true, Way way = Way.Queue, QueueOptions? bounds = null,
        JobOptions? jobs = null, NpgsqlDataSource? database = null)
    {
        var served = new ServedModel(
            servers, session, settings ?? new ModelSettings { Instances = session.Generates ? null : 1 }, options ?? new WorkerOptions(),
            responses ?? new ResponseOptions(), batched, way, bounds ?? new QueueOptions { PollInterval = TimeSpan.FromMilliseconds(50) },
            jobs ?? new JobOptions(), database);
        await served._wakeup.StartAsync(CancellationToken.None);
        await served._cancellations.StartAsync(CancellationToken.None);
        await served._inbox.StartAsync(CancellationToken.None);
        if (way == Way.Direct)
        {
            await served.Listener.StartAsync(CancellationToken.None);
            served._replica = await DirectReplica.ConnectAsync(served.Listener.Endpoint!);
        }

        return served;
    }

    /// <summary>Begins to serve; what was sent before to a connection that had nothing to serve it goes out now, in one piece.</summary>
    public async Task Serve()
    {
        _serving = Server.RunAsync(_stop.Token);
        if (_replica is not null)
        {
            await _replica.ServesAsync(Name);
            await _replica.SendAsync(_unsent);
        }

        await _serving;
    }

    public Task StopAsync()
    {
        _stop.Cancel();
        return _serving!;
    }

    /// <summary>Puts a request into the queue.</summary>
    /// <returns>Its id, and its answer to come.</returns>
    public async Task<(Guid Id, Task<InferenceReply> Reply)> SendAsync(
        Tensor input, Priority priority = Priority.Normal, TimeSpan? timeout = null, string[]? outputs = null)
    {
        var now = DateTimeOffset.UtcNow;
        var request = new InferenceRequest(
            Guid.NewGuid(), Name, "1", "default", RequestKind.Call, priority, _inbox.Replica, now,
            now + (timeout ?? Wait.DefaultLimit),
            null, null, outputs ?? [], [input]);
        if (_replica is not null)
        {
            if (_serving is null)
            {
                _unsent.Add(request);
            }
            else
            {
                await _replica.ServesAsync(Name);
                await _replica.SendAsync(request);
            }

            return (request.Id, _replica.ReplyTo(request.Id).WaitAsync(Wait.DefaultLimit));
        }

        var pending = _inbox.Expect(request.Id);
        Assert.Equal(EnqueueOutcome.Enqueued, (await _queue.EnqueueAsync(request)).Outcome);
        return (request.Id, pending.Reply.WaitAsync(Wait.DefaultLimit));
    }

    public Task CancelAsync(Guid id) =>
        _replica?.CancelAsync(id) ?? _queue.CancelAsync(new QueueName(Name, "1"), id, DateTimeOffset.UtcNow.AddMinutes(1));

    /// <summary>Requests in the queue, whether they wait or run.</summary>
    public async Task<long> DepthAsync() => _way == Way.Queue
        ? (await _queue.DepthsAsync([(Name, "1")]))[0]
        : Direct.Statuses().Sum(s => s.Levels.Sum(l => l.Depth));

    public static Tensor Index(params long[] indices) =>
        new("index", Datatype.Int64, [indices.Length], MemoryMarshal.AsBytes(indices.AsSpan()).ToArray());

    public static float[] Floats(InferenceReply reply, int output = 0) =>
        MemoryMarshal.Cast<byte, float>(reply.Outputs[output].Data.Span).ToArray();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_serving is not null)
        {
            await _serving;
        }

        if (_replica is not null)
        {
            await Listener.StopAsync(CancellationToken.None);
            _replica.Dispose();
        }

        _listener.Dispose();
        await _inbox.StopAsync(CancellationToken.None);
        await _cancellations.StopAsync(CancellationToken.None);
        await _wakeup.StopAsync(CancellationToken.None);
        _session.Dispose();
        Drain.Dispose();
        await _services.DisposeAsync();
        await _meters.DisposeAsync();
        _stop.Dispose();
    }
}
