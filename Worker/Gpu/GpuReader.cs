using System.Collections.Immutable;
using System.Globalization;
using InferenceTemplate.Core.Fleet;

namespace InferenceTemplate.Worker.Gpu;

/// <summary>What the machine's NVIDIA GPUs say of themselves; nothing, without noise, where there are none.</summary>
internal sealed partial class GpuReader : IDisposable
{
    // Metrics and the heartbeat ask at about the same time, and each figure is a call into the driver.
    private static readonly TimeSpan CacheDuration = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly NvmlLibrary? _nvml;
    private ImmutableArray<GpuStatus> _gpus = [];
    private long? _readAt;
    private bool _disposed;

    public GpuReader(TimeProvider time, ILogger<GpuReader> logger)
        : this(NvmlLibrary.DefaultName, time, logger)
    {
    }

    internal GpuReader(string library, TimeProvider time, ILogger<GpuReader> logger)
    {
        _time = time;
        _nvml = NvmlLibrary.TryLoad(library, out var problem);
        if (_nvml is null)
        {
            LogAbsent(logger, problem!);
        }
    }

    /// <summary>All GPUs, in the driver's order.</summary>
    public ImmutableArray<GpuStatus> Read()
    {
        if (_nvml is null)
        {
            return [];
        }

        lock (_lock)
        {
            if (!_disposed && (_readAt is not { } at || _time.GetElapsedTime(at) >= CacheDuration))
            {
                _gpus = [.. Enumerable.Range(0, _nvml.Count).Select(index => Read(_nvml, index)).OfType<GpuStatus>()];
                _readAt = _time.GetTimestamp();
            }

            return _gpus;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _disposed = true;
                _nvml?.Dispose();
            }
        }
    }

    private static GpuStatus? Read(NvmlLibrary nvml, int index)
    {
        var device = nvml.Device(index);
        if (device == 0)
        {
            return null;
        }

        var memory = nvml.Memory(device);
        return new GpuStatus(
            nvml.Uuid(device) ?? index.ToString(CultureInfo.InvariantCulture),
            nvml.Name(device) ?? "NVIDIA GPU",
            nvml.Utilization(device)?.Gpu / 100.0,
            (long?)memory?.Used,
            (long?)memory?.Total,
            nvml.Temperature(device),
            nvml.PowerMilliwatts(device) / 1000.0,
            (long?)nvml.EccErrors(device, uncorrected: false),
            (long?)nvml.EccErrors(device, uncorrected: true));
    }

    [LoggerMessage(LogLevel.Debug, "No GPU figures: {Reason}")]
    private static partial void LogAbsent(ILogger logger, string reason);
}
