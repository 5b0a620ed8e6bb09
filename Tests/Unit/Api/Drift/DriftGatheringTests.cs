using System.Diagnostics.Metrics;
using InferenceTemplate.Api;
using InferenceTemplate.Api.Drift;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Data;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace InferenceTemplate.Tests.Unit.Api.Drift;

public sealed class DriftGatheringTests : IDisposable
{
    private static readonly Tensor s_input = new("x", Datatype.Fp32, [1], new byte[4]);

    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Telemetry _telemetry;
    private readonly DriftSampler _sampler;
    private long _dropped;
    private readonly MeterListener _listener = new();

    public DriftGatheringTests()
    {
        _telemetry = new Telemetry(_services.GetRequiredService<IMeterFactory>());
        _sampler = new(_telemetry, Options.Create(new DriftOptions()), _time);
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "inference.drift.dropped" && instrument.Meter.Scope == _services.GetRequiredService<IMeterFactory>())
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, count, _, _) => Interlocked.Add(ref _dropped, count));
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _services.Dispose();
    }

    [Fact]
    public void Only_watched_models_are_sampled_and_not_as_stand_ins_or_shadows()
    {
        var watched = new ModelSettings { Drift = new() { Enabled = true } };
        var judged = new ModelSettings
        {
            Traffic = new() { Canary = new("2", 0.1), Rollback = new(1, null, 1, TimeSpan.FromMinutes(1), 0.2) },
        };

        Assert.Equal(
            [0, 1, 1, 1, 0, 0],
            [
                Taken(new(), TrafficRole.Stable), Taken(watched, TrafficRole.Stable), Taken(judged, TrafficRole.Canary),
                Taken(watched, TrafficRole.Named), Taken(watched, TrafficRole.Fallback), Taken(watched, TrafficRole.Shadow),
            ]);
    }

    [Fact]
    public void Rate_of_a_version_is_a_burst_and_then_so_many_a_second()
    {
        var watched = new ModelSettings { Drift = new() { Enabled = true } };

        Assert.Equal(DriftSampler.Burst, Taken(watched, TrafficRole.Stable, 3_000));
        Assert.Equal(0, Taken(watched, TrafficRole.Stable, 10));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(40, Taken(watched, TrafficRole.Stable, 3_000));
        Assert.Equal(DriftSampler.Burst, Taken(watched, TrafficRole.Canary, 3_000, version: "2"));
        Assert.Equal(0, _dropped);
    }

    [Fact]
    public void Sample_without_room_is_dropped_and_counted()
    {
        var watched = new ModelSettings { Drift = new() { Enabled = true } };
        for (var version = 1; version <= 3; version++)
        {
            Take(watched, TrafficRole.Stable, 1_000, $"{version}");
        }

        Assert.Equal(3_000 - DriftSampler.Capacity, _dropped);
    }

    [Fact]
    public async Task Windows_wait_for_postgres_and_the_oldest_are_dropped_and_counted()
    {
        await using var away = NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Database=none;Timeout=1");
        using var gathering = new DriftGathering(
            _sampler, new DriftStore(away), _telemetry, _time, NullLogger<DriftGathering>.Instance);
        var watched = new ModelSettings { Drift = new() { Enabled = true } };
        var windows = 0;
        while (_dropped == 0)
        {
            // Each version has a burst of its own: four windows.
            Take(watched, TrafficRole.Stable, DriftSampler.Burst, $"{windows}");
            windows += 4;
            await Assert.ThrowsAnyAsync<NpgsqlException>(() => gathering.GatherAsync(stops: false, CancellationToken.None));
        }

        Assert.Equal((DriftGathering.MaxWaiting + 4, 4L * DriftWindows.MaxRequests), (windows, _dropped));
    }

    [Fact]
    public void Window_ends_with_its_last_request_or_after_a_minute_with_enough()
    {
        var (windows, finished) = (new DriftWindows(_time), new List<DriftWindow>());
        Add(windows, finished, "full", DriftWindows.MaxRequests);
        Add(windows, finished, "enough", DriftWindows.MinRequests);
        Add(windows, finished, "few", DriftWindows.MinRequests - 1);

        var full = Assert.Single(finished);
        Assert.Equal(("full", DriftWindows.MaxRequests), (full.Model, full.Requests));
        Assert.Empty(windows.TakeDue());
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(("enough", 20), Assert.Single(windows.TakeDue().Select(w => (w.Model, w.Requests))));
        Add(windows, finished, "few", 1);
        Assert.Equal(("few", 20), Assert.Single(windows.TakeDue().Select(w => (w.Model, w.Requests))));
    }

    [Fact]
    public void Process_that_stops_in_mid_window_ends_those_with_enough()
    {
        var (windows, finished) = (new DriftWindows(_time), new List<DriftWindow>());
        Add(windows, finished, "enough", DriftWindows.MinRequests);
        Add(windows, finished, "few", DriftWindows.MinRequests - 1);

        Assert.Equal("enough", Assert.Single(windows.TakeDue(all: true)).Model);
    }

    [Fact]
    public void Too_few_requests_of_an_hour_are_forgotten()
    {
        var (windows, finished) = (new DriftWindows(_time), new List<DriftWindow>());
        Add(windows, finished, "few", DriftWindows.MinRequests - 1);
        _time.Advance(TimeSpan.FromSeconds(3_600));

        Assert.Empty(windows.TakeDue());
        Add(windows, finished, "few", 1);
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Empty(windows.TakeDue());
    }

    [Fact]
    public void Window_whose_clock_was_set_back_does_not_end_before_it_began()
    {
        var (windows, finished) = (new DriftWindows(new SetBack(_time)), new List<DriftWindow>());
        Add(windows, finished, "m", DriftWindows.MaxRequests);

        var window = Assert.Single(finished);
        Assert.True(window.StartedAt <= window.EndedAt);
    }

    [Fact]
    public void Tensors_beyond_the_open_windows_are_refused()
    {
        var (windows, finished) = (new DriftWindows(_time), new List<DriftWindow>());
        for (var i = 0; i < DriftWindows.MaxOpen; i++)
        {
            Assert.True(windows.Add(Sample($"{i}"), finished));
        }

        Assert.False(windows.Add(Sample("one more"), finished));
        Assert.True(windows.Add(Sample("0"), finished));
    }

    private static void Add(DriftWindows windows, List<DriftWindow> finished, string model, int requests)
    {
        for (var i = 0; i < requests; i++)
        {
            Assert.True(windows.Add(Sample(model), finished));
        }
    }

    private static DriftSample Sample(string model) =>
        new(model, "1", "stable", [new SampledTensor("x", IsOutput: false, DriftKinds.Numbers, [1])]);

    private void Take(ModelSettings settings, TrafficRole role, int times, string version)
    {
        var served = new ModelVersion
        {
            Model = "m",
            Version = version,
            Platform = "onnx",
            Sha256 = "",
            Signature = new ModelSignature([], []),
        };
        for (var i = 0; i < times; i++)
        {
            _sampler.Take(new RoutedModel(served, settings, role, Shadow: null), [s_input], []);
        }
    }

    private int Taken(ModelSettings settings, TrafficRole role, int times = 1, string version = "1")
    {
        Take(settings, role, times, version);
        var taken = 0;
        while (_sampler.Samples.TryRead(out _))
        {
            taken++;
        }

        return taken;
    }

    // Each look at the time of day is a second before the last.
    private sealed class SetBack(TimeProvider time) : TimeProvider
    {
        private int _looks;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow().AddSeconds(-_looks++);
    }
}
