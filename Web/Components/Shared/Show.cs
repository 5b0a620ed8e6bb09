using System.Globalization;
using InferenceTemplate.Web.ApiClient;

namespace InferenceTemplate.Web.Components.Shared;

/// <summary>How quantities are written on the dashboard.</summary>
internal static class Show
{
    /// <summary>A rate: one decimal while that says something.</summary>
    public static string Rate(double value) => value.ToString(value is > 0 and < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);

    public static string Count(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>How many of something that takes an s where it is not one, or has a word of its own for many.</summary>
    public static string Counted(long count, string thing, string? many = null) =>
        $"{Count(count)} {(count == 1 ? thing : many ?? $"{thing}s")}";

    /// <summary>Seconds as milliseconds, or as seconds from ten of them on; a dash for "no traffic".</summary>
    public static string Latency(double? seconds) => seconds switch
    {
        null => "–",
        >= 10 => $"{seconds.Value:0.0} s",
        >= 0.1 => $"{seconds.Value * 1000:0} ms",
        _ => $"{seconds.Value * 1000:0.0} ms",
    };

    /// <summary>The largest two units that say how long something has run.</summary>
    public static string Duration(TimeSpan span) => span switch
    {
        { TotalDays: >= 1 } => $"{(int)span.TotalDays} d {span.Hours} h",
        { TotalHours: >= 1 } => $"{span.Hours} h {span.Minutes} min",
        { TotalMinutes: >= 1 } => $"{span.Minutes} min",
        _ => $"{Math.Max(0, (int)span.TotalSeconds)} s",
    };

    public static string Share(double part, double whole) =>
        whole <= 0 ? "0 %" : $"{(100 * part / whole).ToString("0.##", CultureInfo.InvariantCulture)} %";

    /// <summary>A share near all, with the digits that tell it from all.</summary>
    public static string Promise(double share) => $"{(100 * share).ToString("0.###", CultureInfo.InvariantCulture)} %";

    /// <summary>A size with three digits at most, in the units of 1024.</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        >= 1L << 30 => $"{(bytes / (double)(1L << 30)).ToString("0.##", CultureInfo.InvariantCulture)} GiB",
        >= 1L << 20 => $"{(bytes / (double)(1L << 20)).ToString("0.#", CultureInfo.InvariantCulture)} MiB",
        >= 1L << 10 => $"{(bytes / (double)(1L << 10)).ToString("0", CultureInfo.InvariantCulture)} KiB",
        _ => $"{Count(bytes)} B",
    };

    /// <summary>How much of its GPUs a worker uses, or where it has none, of processor cores.</summary>
    public static string Busy(WorkerInstance worker) =>
        worker.Gpus?.Where(gpu => gpu.Utilization is not null).Select(gpu => gpu.Utilization).DefaultIfEmpty().Average() is { } gpu
            ? $"{Share(Math.Round(gpu, 2), 1)} GPU"
            : worker.CpuCores is { } cores ? $"{cores.ToString("0.00", CultureInfo.InvariantCulture)} cores" : "–";

    /// <summary>What is taken of the memory of its GPUs, or where it has none, by its process.</summary>
    public static string Memory(WorkerInstance worker) => worker.Gpus?.Sum(gpu => gpu.MemoryUsed) is > 0 and { } used ? Bytes(used)
        : worker.MemoryBytes is { } bytes ? Bytes(bytes) : "–";

    /// <summary>A cost with enough digits to tell small ones apart.</summary>
    public static string Cost(decimal amount, string currency) =>
        $"{amount.ToString(amount is > 0 and < 1 ? "0.00########" : "#,0.00", CultureInfo.InvariantCulture)} {currency}";

    /// <summary>A cost where two decimals are enough.</summary>
    public static string AboutCost(decimal amount) =>
        amount is > 0 and < 0.01m ? "<0.01" : amount.ToString("#,0.00", CultureInfo.InvariantCulture);

    /// <summary>Tensors as <c>input: FP32 [N × 8 × 8]</c>; N is a dimension of any size.</summary>
    public static string Signature(IEnumerable<TensorSignature> tensors) => string.Join(", ", tensors.Select(tensor =>
        $"{tensor.Name}: {tensor.Datatype} [{string.Join(" × ", tensor.Shape.Select(size => size < 0 ? "N" : Count(size)))}]"));

    /// <summary>Whether requests share runs, and if not, why.</summary>
    public static string Batching(BatchDecision? decision) => decision switch
    {
        null => "–",
        { Batched: true } => "on",
        { Reason: var reason } => $"off: {reason}",
    };
}
