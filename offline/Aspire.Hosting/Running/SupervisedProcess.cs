using System.Collections.Concurrent;
using System.Diagnostics;

namespace Aspire.Hosting.Running;

/// <summary>A command to run.</summary>
internal sealed record ProcessSpec(string Command, IReadOnlyList<string> Arguments, string WorkingDirectory)
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The signal that ends it gracefully.</summary>
    public string StopSignal { get; init; } = "TERM";

    /// <summary>How long a graceful end may take before it is killed.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// A process that ends when this one does, even by kill -9: a small shell stands between, see supervise.sh.
/// (PR_SET_PDEATHSIG would fire when the pool thread that started the process ends.)
/// </summary>
internal sealed class SupervisedProcess : IDisposable
{
    private const int KeptLines = 20;

    // As with DCP, services do not listen where the AppHost was told to, nor share its environment name or profile.
    private static readonly string[] OfTheHostAlone = ["ASPNETCORE_URLS", "ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "DOTNET_LAUNCH_PROFILE"];

    private static readonly string Script = ReadScript();
    private readonly ConcurrentQueue<string> _lastLines = new();
    private readonly Process _supervisor;
    private readonly ProcessSpec _spec;

    private SupervisedProcess(ProcessSpec spec, DataDirectory data, Action<string> onLine)
    {
        _spec = spec;
        var start = new ProcessStartInfo("setsid")
        {
            WorkingDirectory = spec.WorkingDirectory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var own in OfTheHostAlone)
            start.Environment.Remove(own);

        foreach (var (key, value) in spec.Environment)
            start.Environment[key] = value;

        var orphanGrace = $"{10 * Math.Min(spec.Grace.TotalSeconds, 10):0}";
        foreach (var argument in (IEnumerable<string>)["/bin/sh", "-c", Script, "supervise", data.ChildrenLock, spec.StopSignal, orphanGrace, spec.Command, .. spec.Arguments])
            start.ArgumentList.Add(argument);

        _supervisor = new Process { StartInfo = start };
        _supervisor.OutputDataReceived += (_, e) => OnLine(e.Data, onLine);
        _supervisor.ErrorDataReceived += (_, e) => OnLine(e.Data, onLine);
        _supervisor.Start();
        _supervisor.BeginOutputReadLine();
        _supervisor.BeginErrorReadLine();
        Exited = WaitAsync();
    }

    /// <summary>The exit code; 128 + n after signal n.</summary>
    public Task<int> Exited { get; }

    public string LastLines => string.Join(Environment.NewLine, _lastLines);

    public static SupervisedProcess Start(ProcessSpec spec, DataDirectory data, Action<string> onLine) => new(spec, data, onLine);

    /// <summary>Runs a command to its end; throws with its output if it fails.</summary>
    public static async Task RunAsync(ProcessSpec spec, DataDirectory data, string purpose, CancellationToken cancellationToken)
    {
        using var process = Start(spec, data, _ => { });
        await using var registration = cancellationToken.Register(() => process.Send("KILL"));
        var code = await process.Exited;
        cancellationToken.ThrowIfCancellationRequested();
        if (code != 0)
            throw new DistributedApplicationException($"{purpose} failed ({Path.GetFileName(spec.Command)} exited with code {code}):{Environment.NewLine}{process.LastLines}");
    }

    public async Task StopAsync()
    {
        Send(_spec.StopSignal);
        try
        {
            await Exited.WaitAsync(_spec.Grace);
        }
        catch (TimeoutException)
        {
            Send("KILL");
            await Exited;
        }
    }

    /// <summary>Ends the pipe: should anything still run, the supervisor ends it.</summary>
    public void Dispose() => _supervisor.Dispose();

    private static string ReadScript()
    {
        using var reader = new StreamReader(typeof(SupervisedProcess).Assembly.GetManifestResourceStream("supervise.sh")!);
        return reader.ReadToEnd();
    }

    private void Send(string signal)
    {
        try
        {
            _supervisor.StandardInput.WriteLine(signal);
            _supervisor.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It has just exited.
        }
    }

    private async Task<int> WaitAsync()
    {
        await _supervisor.WaitForExitAsync();
        return _supervisor.ExitCode;
    }

    private void OnLine(string? line, Action<string> onLine)
    {
        if (line is null) return;

        _lastLines.Enqueue(line);
        while (_lastLines.Count > KeptLines)
        {
            _lastLines.TryDequeue(out _);
        }

        onLine(line);
    }
}
