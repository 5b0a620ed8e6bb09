using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;

namespace InferenceTemplate.Tests.Shared;

/// <summary>The Api as <c>dotnet InferenceTemplate.Api.dll</c>, with settings of its own.</summary>
internal sealed partial class ApiProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<string> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ApiProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.Exited += (_, _) => _listening.TrySetException(new InvalidOperationException("The Api has ended."));
    }

    public string Url => _listening.Task.Result;

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

    /// <summary>Runs it to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunAsync(
        string[] arguments, IEnumerable<(string Key, string Value)> environment, CancellationToken cancellation)
    {
        using var process = Process.Start(Start(arguments, environment))!;
        var error = process.StandardError.ReadToEndAsync(cancellation);
        var output = await process.StandardOutput.ReadToEndAsync(cancellation);
        await process.WaitForExitAsync(cancellation);
        return (process.ExitCode, output, await error);
    }

    /// <summary>Runs <c>Api admin ...</c> beside the platform's own Api.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> AdminAsync(
        Platform platform, CancellationToken cancellation, params string[] verb) =>
        await RunAsync(
            ["admin", .. verb],
            [
                ("ConnectionStrings__redis", (await platform.App.GetConnectionStringAsync("redis", cancellation))!),
                ("ConnectionStrings__inference", (await platform.App.GetConnectionStringAsync("inference", cancellation))!),
                ("Auth__ApiKeyPepper", Platform.Pepper),
            ],
            cancellation);

    /// <summary>Starts it on a free port and waits until it listens; whether it is ready is another matter.</summary>
    public static async Task<ApiProcess> StartAsync(IEnumerable<(string Key, string Value)> environment, CancellationToken cancellation)
    {
        var api = new ApiProcess(Start(
            [], [("ASPNETCORE_URLS", "http://127.0.0.1:0"), ("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Information"),
                .. environment]));
        api._process.Start();
        api._process.BeginOutputReadLine();
        api._process.BeginErrorReadLine();
        try
        {
            await api._listening.Task.WaitAsync(cancellation);
        }
        catch (InvalidOperationException)
        {
            await api._process.WaitForExitAsync(cancellation);
            Assert.Fail(api.Output);
        }

        return api;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static ProcessStartInfo Start(string[] arguments, IEnumerable<(string Key, string Value)> environment)
    {
        // bin/{configuration}/{framework} are those of the tests.
        var parts = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar);
        var api = Path.Combine(Repository.Root, "Api", "bin", parts[^2], parts[^1], "InferenceTemplate.Api.dll");
        var start = new ProcessStartInfo("dotnet", [api, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        return start;
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_output)
        {
            _output.AppendLine(line);
        }

        if (Listening().Match(line) is { Success: true } match)
        {
            _listening.TrySetResult(match.Value);
        }
    }

    [GeneratedRegex(@"(?<=listening on: )https?://127\.0\.0\.1:\d+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Listening();
}
