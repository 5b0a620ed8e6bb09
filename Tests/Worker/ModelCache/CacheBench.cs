using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.ModelCache;
using InferenceTemplate.Worker.Models;
using InferenceTemplate.Worker.Pipelines;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.ModelCache;

/// <summary>A cache of real sessions over models that a test writes, each of which counts as one megabyte.</summary>
internal sealed class CacheBench : IAsyncDisposable
{
    public const long ModelBytes = 1 << 20;

    private static readonly ExecutionDevice Cpu =
        new(Options.Create(new WorkerOptions { Device = "cpu" }), NullLogger<ExecutionDevice>.Instance);

    private readonly Dictionary<string, string[]> _pipelines = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("model-cache-").FullName;
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    public CacheBench(int room, Action<ModelCacheOptions>? configure = null, TimeProvider? time = null)
    {
        var options = new ModelCacheOptions { ModelMemoryWait = TimeSpan.FromSeconds(30) };
        configure?.Invoke(options);
        Telemetry = new Telemetry(_services.GetRequiredService<IMeterFactory>());
        Cache = new SessionCache(
            PlanAsync,
            new MemoryBudget(room * ModelBytes, () => 0),
            new LoadBreaker(options, time ?? TimeProvider.System),
            Options.Create(options),
            Telemetry,
            time ?? TimeProvider.System,
            NullLogger<SessionCache>.Instance);
    }

    public SessionCache Cache { get; }

    public Telemetry Telemetry { get; }

    /// <summary>Tries to plan a load, by model.</summary>
    public ConcurrentDictionary<string, int> Tries { get; } = new(StringComparer.Ordinal);

    /// <summary>Models whose files are kept for them.</summary>
    public ConcurrentDictionary<string, bool> Held { get; } = new(StringComparer.Ordinal);

    /// <summary>Awaited before a model is opened.</summary>
    public Func<ModelKey, Task> BeforeOpen { get; set; } = _ => Task.CompletedTask;

    /// <summary>Called, on its thread, when a model is opened.</summary>
    public Action<ModelKey> Opening { get; set; } = _ => { };

    public static ModelKey Key(string model) => new(model, "1");

    public void Write(string model, float constant) => File.WriteAllBytes(Path.Combine(_folder, model), AddModel.Create(constant));

    public void WriteBroken(string model) => File.WriteAllText(Path.Combine(_folder, model), "not a model");

    /// <summary>One that gives what each of the models adds to the next.</summary>
    public void WritePipeline(string name, params string[] models) => _pipelines[name] = models;

    public async Task<ModelLease> AcquireAsync(string model) =>
        await Cache.AcquireAsync(Key(model), TestContext.Current.CancellationToken);

    /// <summary>Opens the model if it is not, and holds no lease afterwards.</summary>
    public async Task TouchAsync(string model)
    {
        using var lease = await AcquireAsync(model);
    }

    public IEnumerable<string> Open() => Cache.Snapshot().Select(m => m.Key.Model).Order(StringComparer.Ordinal);

    /// <summary>What the model adds to nought: by this it says which one it is.</summary>
    public static float Ask(ModelLease lease, string input = "x")
    {
        using var instance = lease.Session.CreateInstance();
        using var outputs = instance.Run([[new Tensor(input, Datatype.Fp32, [1, 4], new byte[16])]]);
        return MemoryMarshal.Cast<byte, float>(outputs.Single().GetTensorMutableRawData())[0];
    }

    public async ValueTask DisposeAsync()
    {
        await Cache.DisposeAsync();
        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<ModelPlan> PlanAsync(ModelKey key, CancellationToken cancellationToken)
    {
        Tries.AddOrUpdate(key.Model, 1, (_, tries) => tries + 1);
        await BeforeOpen(key);
        var file = new ModelFile(key.Model, key.Version, Path.Combine(_folder, key.Model));
        if (_pipelines.TryGetValue(key.Model, out var steps))
        {
            return Pipeline(file, steps);
        }

        return new ModelPlan(ModelBytes, ModelBytes, _ =>
        {
            Opening(key);
            var session = ModelSession.Open(file, Cpu);
            session.WarmUp();
            return session;
        })
        {
            Files = new Holding(Held, key.Model),
        };
    }

    private sealed class Holding : IDisposable
    {
        private readonly ConcurrentDictionary<string, bool> _held;
        private readonly string _model;

        public Holding(ConcurrentDictionary<string, bool> held, string model)
        {
            (_held, _model) = (held, model);
            held[model] = true;
        }

        public void Dispose() => _held.TryRemove(_model, out _);
    }

    private static ModelPlan Pipeline(ModelFile file, string[] steps)
    {
        var signature = new ModelSignature([new("x", Datatype.Fp32, [-1, 4])], [new("y", Datatype.Fp32, [-1, 4])]);
        string[] names = [.. steps.Select((s, i) => steps.Take(i).Contains(s) ? $"{s}{i}" : s)];
        var graph = PipelineGraph.Connect(
            new PipelineSettings
            {
                Inputs = ["in"],
                Steps = [.. steps.Select((s, i) => new StepSettings
                {
                    Name = names[i], Model = s, Version = "1", Inputs = new() { ["x"] = i == 0 ? "in" : $"{names[i - 1]}.y" },
                })],
                Outputs = new() { ["out"] = $"{names[^1]}.y" },
            },
            [.. steps.Select(_ => signature)]);
        return new ModelPlan(0, 0, leases => ModelSession.Over(file, new PipelineModel(graph, leases)))
        {
            Steps = [.. graph.Steps.Select(s => s.Step)],
            StepBytes = [.. steps.Select(_ => ModelBytes)],
        };
    }
}
