using System.Diagnostics;

namespace InferenceTemplate.Bench.Servers;

/// <summary>A <see cref="BareServer"/> under way.</summary>
internal sealed class BareProcess : IDisposable
{
    private readonly Process _process;

    private BareProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>ONNX Runtime's own number of threads, its default.</summary>
    public static Task<BareProcess> StartDefaultAsync(string models) => StartAsync(models, "default");

    /// <summary>One thread an operator: what suits a server whose callers fill the cores.</summary>
    public static Task<BareProcess> StartTunedAsync(string models) => StartAsync(models, "1");

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static async Task<BareProcess> StartAsync(string models, string threads)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["bare", models, threads])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment["ORT_DISABLE_TELEMETRY"] = "1";

        // The generator's setting is not its: it has .NET's defaults.
        start.Environment.Remove(Restart.SpinLimit);

        // As the product's services run.
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("listening ", StringComparison.Ordinal))
            {
                return new BareProcess(process, new Uri(line["listening ".Length..]));
            }
        }

        throw new InvalidOperationException("The bare server did not start.");
    }
}
