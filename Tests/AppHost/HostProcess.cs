using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>The AppHost as <c>./run</c> starts it, in a process of its own, on free ports.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    public const string AdminKey = $"admin_{AdminSecret}";

    private const string AdminSecret = "seven-quiet-herons-cross-a-frozen-lake";

    // The dashboard's own, so that several AppHosts may run on this machine.
    private const string AnyPort = "http://127.0.0.1:0";

    /// <summary>For whatever it does on a busy machine.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly string _data;

    private HostProcess(ProcessStartInfo start, string data)
    {
        _data = data;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public sealed record Child(int Id, string Command)
    {
        /// <summary>The number of the user who runs it; null where it has ended.</summary>
        public string? User =>
            ReadFile(Id, "status").Split('\n').FirstOrDefault(line => line.StartsWith("Uid:", StringComparison.Ordinal))?.Split('\t')[1];
    }

    public int Id => _process.Id;

    public string Output => string.Join('\n', _lines);

    /// <summary>Starts it, and returns at once.</summary>
    /// <param name="data">Where its servers keep their files; by this folder its processes are found, so no two use one.</param>
    /// <param name="change">Changes what it starts with.</param>
    public static HostProcess Start(string data, Action<ProcessStartInfo>? change = null)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var assembly = Path.Combine(Repository.Root, "AppHost", "bin", output.Parent!.Name, output.Name, "InferenceTemplate.AppHost.dll");
        var start = new ProcessStartInfo("dotnet", [assembly, $"--Data={data}", "--DcpPublisher:RandomizePorts=true"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = data,
            Environment =
            {
                ["DOTNET_ENVIRONMENT"] = "Development",
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                ["ASPNETCORE_URLS"] = AnyPort,
                ["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = AnyPort,
                ["ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL"] = AnyPort,
                ["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true",
                ["Parameters__admin-secret"] = AdminSecret,
                // Of what it starts, each process gets it from the one before, or reads it from its arguments.
                ["Parameters__postgres-password"] = $"password-of-{Path.GetFileName(data)}",
            },
        };
        change?.Invoke(start);
        if (OperatingSystem.IsLinux())
        {
            // Whatever runs in a script's background ignores SIGINT, and so does all that it starts.
            start.ArgumentList.Insert(0, start.FileName);
            start.ArgumentList.Insert(0, "--default-signal=INT");
            start.FileName = "env";
        }

        return new HostProcess(start, data);
    }

    /// <summary>Waits until it has written a text, or fails with all that it wrote where it ends before.</summary>
    public Task WroteAsync(string text) => ReachedAsync(() => Output.Contains(text, StringComparison.Ordinal), $"'{text}' in its output");

    public async Task ReachedAsync(Func<bool> state, string awaited)
    {
        try
        {
            await Wait.UntilAsync(() => _process.HasExited || state(), Limit, awaited);
        }
        catch (TimeoutException late)
        {
            Assert.Fail($"{late.Message}\n{Output}");
        }

        if (!state())
        {
            await EndedAsync();
            Assert.Fail($"The AppHost ended with {_process.ExitCode} before there was {awaited}:\n{Output}");
        }
    }

    /// <summary>What the banner shows after a word.</summary>
    public string Shown(string word) =>
        _lines.Select(line => line.Trim()).First(line => line.StartsWith(word, StringComparison.Ordinal))[word.Length..].Trim();

    /// <summary>Ctrl+C.</summary>
    public void Interrupt() => Signal("-INT");

    /// <summary>Its exit code, once it has ended.</summary>
    public async Task<int> EndedAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    /// <summary>Servers and services that it started and that run; not those of the orchestrator, which ends after them.</summary>
    public IReadOnlyList<Child> Children() => [.. All().Where(child => !IsOrchestrator(child.Command))];

    public IReadOnlyList<Child> All() =>
        [.. Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id != 0 && id != Environment.ProcessId && id != _process.Id)
            .Select(id => new Child(id, ReadFile(id, "cmdline").Replace('\0', ' ')))
            .Where(child => child.Command.Length > 0
                && (child.Command.Contains(_data, StringComparison.Ordinal)
                    || ReadFile(child.Id, "environ").Contains(Path.GetFileName(_data), StringComparison.Ordinal)))];

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Interrupt();
            await EndedAsync();
        }

        _process.Dispose();
    }

    private static bool IsOrchestrator(string command) => Path.GetFileName(command.Split(' ')[0]) is "dcp";

    private void Signal(string signal)
    {
        using var kill = Process.Start("kill", [signal, _process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private void Read(string? line)
    {
        if (line is not null)
        {
            _lines.Enqueue(line);
        }
    }

    private static string ReadFile(int process, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/{file}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's.
            return "";
        }
    }
}
