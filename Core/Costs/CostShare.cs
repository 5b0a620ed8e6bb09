using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Core.Costs;

/// <summary>One request's share of what its batch cost, by rows.</summary>
public static class CostShare
{
    /// <summary>Decimal places that costs are kept with: a microsecond at a cent an hour still has five digits.</summary>
    public const int Decimals = 15;

    private const decimal SecondsPerHour = 3600;
    private const decimal Million = 1_000_000;

    /// <param name="rows">Of this request, beginning at <see cref="InferenceReply.FirstRow"/>.</param>
    public static decimal Of(InferenceReply reply, int rows, decimal pricePerDeviceHour) => reply.BatchSize < 1
        ? 0
        : Of(OfRun(reply.ComputeTime, pricePerDeviceHour), reply.FirstRow, Math.Min(rows, reply.BatchSize), reply.BatchSize);

    /// <summary>What a request used, and what that costs: a share of the device's time, and tokens where they have a price.</summary>
    /// <param name="signature">Null where the version is not known any more.</param>
    /// <param name="pricePerDeviceHour">Where the settings name none.</param>
    public static UsedDevice Used(
        ModelSignature? signature, ModelSettings settings, Tensor[] inputs, InferenceReply reply, decimal pricePerDeviceHour)
    {
        if (reply.BatchSize < 1)
        {
            return default;
        }

        // Without an open first dimension a request has its run to itself.
        var rows = Math.Min(signature?.RowsOf(inputs) ?? reply.BatchSize, reply.BatchSize);
        var tokens = signature is not null && GenerationSignature.IsOf(signature) ? GenerationSignature.TokensOf(reply.Outputs) : default;
        var run = (long)reply.ComputeTime.TotalMicroseconds;
        return new UsedDevice(
            (run * (reply.FirstRow + rows) / reply.BatchSize) - (run * reply.FirstRow / reply.BatchSize),
            Of(reply, rows, settings.PricePerDeviceHour ?? pricePerDeviceHour) + OfTokens(tokens, settings))
        {
            Tokens = tokens,
        };
    }

    public static decimal OfTokens(TokenUse tokens, ModelSettings settings) => decimal.Round(
        ((tokens.Prompt * (settings.PricePerMillionPromptTokens ?? 0))
            + (tokens.Completion * (settings.PricePerMillionCompletionTokens ?? 0))) / Million,
        Decimals);

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
/// <param name="Cost">That of the tokens too, where they have a price.</param>
public readonly record struct UsedDevice(long DeviceMicroseconds, decimal Cost)
{
    public TokenUse Tokens { get; init; }
}
