namespace InferenceTemplate.Core.Fleet;

/// <summary>One GPU of a worker's machine. What the device does not know is null.</summary>
/// <param name="Id">Its UUID, or its index where it has none.</param>
/// <param name="Utilization">Share of the last moment in which it computed, 0 to 1.</param>
/// <param name="MemoryUsed">Bytes, of all processes.</param>
/// <param name="Temperature">Degrees Celsius.</param>
/// <param name="PowerWatts">Drawn now.</param>
/// <param name="CorrectedErrors">Of ECC memory, since the driver was loaded.</param>
public sealed record GpuStatus(
    string Id,
    string Name,
    double? Utilization,
    long? MemoryUsed,
    long? MemoryTotal,
    double? Temperature,
    double? PowerWatts,
    long? CorrectedErrors,
    long? UncorrectedErrors);
