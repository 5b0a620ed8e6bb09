using System.Collections.Concurrent;
using System.Threading.Channels;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Drift;

/// <summary>
/// Takes a few values of requests that ended well, while their memory is still theirs, and hands them on. It never waits: what is over
/// the rate is not looked at, and what finds no room is dropped and counted.
/// </summary>
internal sealed class DriftSampler(Telemetry telemetry, IOptions<DriftOptions> options, TimeProvider time)
{
    /// <summary>Samples that wait; each has at most some kilobytes.</summary>
    public const int Capacity = 2_048;

    /// <summary>What a version that was quiet may have at once.</summary>
    public const int Burst = 1_000;

    private readonly Channel<DriftSample> _samples =
        Channel.CreateBounded<DriftSample>(new BoundedChannelOptions(Capacity) { SingleReader = true });

    private readonly ConcurrentDictionary<(string Model, string Version), Allowance> _allowances = new();

    public ChannelReader<DriftSample> Samples => _samples.Reader;

    public void Take(RoutedModel routed, Tensor[] inputs, Tensor[] outputs)
    {
        // What stands in for another model is not asked what its own callers ask.
        var (version, settings) = (routed.Version, routed.Settings);
        if (!(settings.Drift.Enabled || settings.Traffic is { Canary: not null, Rollback.MaxOutputDrift: not null })
            || routed.Role is not (TrafficRole.Stable or TrafficRole.Canary or TrafficRole.Named)
            || (settings.Drift.Sample < 1 && Random.Shared.NextDouble() >= settings.Drift.Sample)
            || !_allowances.GetOrAdd((version.Model, version.Version), _ => new(time)).Take(options.Value.RequestsPerSecond))
        {
            return;
        }

        if (!_samples.Writer.TryWrite(DriftSample.Of(version, routed.Role.Name(), inputs, outputs, Random.Shared)))
        {
            telemetry.DriftDropped(version.Model, version.Version, 1);
        }
    }

    // A token bucket.
    private sealed class Allowance(TimeProvider time)
    {
        private readonly Lock _lock = new();
        private double _left = Burst;
        private long _at = time.GetTimestamp();

        public bool Take(int perSecond)
        {
            lock (_lock)
            {
                var now = time.GetTimestamp();
                _left = Math.Min(Burst, _left + (time.GetElapsedTime(_at, now).TotalSeconds * perSecond));
                _at = now;
                if (_left < 1)
                {
                    return false;
                }

                _left--;
                return true;
            }
        }
    }
}
