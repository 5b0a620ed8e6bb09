using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A second worker beside the platform's own, which a test may stop as an operator or a cluster would.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private WorkerProcess(ProcessStartInfo start, string url)
    {
        Client = new HttpClient { BaseAddress = new Uri(url) };
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
    }

    public HttpClient Client { get; }

    public int ExitCode => _process.ExitCode;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts it with the platform's servers and waits until it is ready.</summary>
    public static async Task<WorkerProcess> StartAsync(
        Platform platform, CancellationToken cancellation, params (string Key, string Value)[] settings) =>
        await StartAsync(
            [
                ("ConnectionStrings__inference", (await platform.App.GetConnectionStringAsync("inference", cancellation))!),
                ("ConnectionStrings__redis", (await platform.App.GetConnectionStringAsync("redis", cancellation))!),
                .. settings,
            ],
            cancellation);

    /// <summary>Starts it and waits until it is ready.</summary>
    public static async Task<WorkerProcess> StartAsync(
        IEnumerable<(string Key, string Value)> settings, CancellationToken cancellation)
    {
        var worker = Launch(settings);
        await Wait.UntilAsync(async () =>
        {
            Assert.False(worker._process.HasExited, worker.Output);
            return await worker.StatusAsync("/health", cancellation) == HttpStatusCode.OK;
        });

        return worker;
    }

    /// <summary>Starts it, whatever becomes of it.</summary>
    public static WorkerProcess Launch(IEnumerable<(string Key, string Value)> settings)
    {
        var url = $"http://127.0.0.1:{Ports.Free()}";
        var worker = new WorkerProcess(Start([("ASPNETCORE_URLS", url), .. settings]), url);
        worker._process.Start();
        worker._process.BeginOutputReadLine();
        worker._process.BeginErrorReadLine();
        return worker;
    }

    private static ProcessStartInfo Start(IEnumerable<(string Key, string Value)> settings)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var assembly = Path.Combine(Repository.Root, "Worker", "bin", output.Parent!.Name, output.Name, "InferenceTemplate.Worker.dll");
        var start = new ProcessStartInfo("dotnet", [assembly])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["ORT_DISABLE_TELEMETRY"] = "1",
                ["Direct__Secret"] = Platform.DirectSecret,
                ["Direct__Host"] = "127.0.0.1",
            },
        };
        foreach (var (key, value) in settings)
        {
            start.Environment[key] = value;
        }

        return start;
    }

    /// <summary>Null while nothing answers.</summary>
    public async Task<HttpStatusCode?> StatusAsync(string path, CancellationToken cancellation)
    {
        try
        {
            using var response = await Client.GetAsync(path, cancellation);
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>SIGTERM, as an orchestrator sends it.</summary>
    public void Terminate() => Signal("-TERM");

    public void Signal(string signal)
    {
        using var kill = Process.Start("kill", [signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>SIGKILL: it gets to say nothing.</summary>
    public void Kill() => _process.Kill();

    public Task ExitedAsync(CancellationToken cancellation) => _process.WaitForExitAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private void Read(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }
}
