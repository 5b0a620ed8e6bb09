using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Core.Costs;

/// <summary>One request's share of what its batch cost, by rows.</summary>
public static class CostShare
{
    /// <summary>Decimal places that costs are kept with: a microsecond at a cent an hour still has five digits.</summary>
    public const int Decimals = 15;

    private const decimal SecondsPerHour = 3600;

    /// <param name="rows">Of this request, beginning at <see cref="InferenceReply.FirstRow"/>.</param>
    public static decimal Of(InferenceReply reply, int rows, decimal pricePerDeviceHour) => reply.BatchSize < 1
        ? 0
        : Of(OfRun(reply.ComputeTime, pricePerDeviceHour), reply.FirstRow, Math.Min(rows, reply.BatchSize), reply.BatchSize);

    /// <summary>What a request used of a device, and what that costs.</summary>
    /// <param name="rows">Of this request, beginning at <see cref="InferenceReply.FirstRow"/>.</param>
    public static UsedDevice Used(InferenceReply reply, int rows, decimal pricePerDeviceHour)
    {
        if (reply.BatchSize < 1)
        {
            return default;
        }

        rows = Math.Min(rows, reply.BatchSize);
        var run = (long)reply.ComputeTime.TotalMicroseconds;
        return new UsedDevice(
            (run * (reply.FirstRow + rows) / reply.BatchSize) - (run * reply.FirstRow / reply.BatchSize),
            Of(reply, rows, pricePerDeviceHour));
    }

    /// <summary>The cost of a whole run.</summary>
    public static decimal OfRun(TimeSpan computeTime, decimal pricePerDeviceHour) =>
        decimal.Round((decimal)computeTime.Ticks / TimeSpan.TicksPerSecond * pricePerDeviceHour / SecondsPerHour, Decimals);

    /// <summary>
    /// The cost of the rows up to the last of these, less that of the rows before: rounding cannot accumulate, and the
    /// shares of a batch add up to <paramref name="run"/> exactly.
    /// </summary>
    public static decimal Of(decimal run, int firstRow, int rows, int batchRows) =>
        UpTo(run, firstRow + rows, batchRows) - UpTo(run, firstRow, batchRows);

    private static decimal UpTo(decimal run, int rows, int batchRows) => decimal.Round(run * rows / batchRows, Decimals);
}

/// <summary>A share of a device's time, and its price in the configured currency. The shares of a run add up to the run.</summary>
public readonly record struct UsedDevice(long DeviceMicroseconds, decimal Cost);
