using System.Diagnostics;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Web;

/// <summary>The dashboard as <c>dotnet InferenceTemplate.Web.dll</c> on a free port.</summary>
internal sealed partial class WebProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<string> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private WebProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Read(line.Data);
        _process.ErrorDataReceived += (_, line) => Read(line.Data);
        _process.Exited += (_, _) =>
        {
            _process.WaitForExit();
            _listening.TrySetException(new InvalidOperationException($"The dashboard ended with {_process.ExitCode}:\n{Output}"));
        };
    }

    public string Url => _listening.Task.Result;

    public static async Task<WebProcess> StartAsync(string apiUrl, string environment, string? workingDirectory = null,
        string? dataProtectionKeys = null, string? dataProtectionSecret = null, string? knownProxy = null,
        IEnumerable<(string Key, string Value)>? settings = null)
    {
        var assembly = Path.GetFullPath(
            typeof(WebProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "WebAssembly").Value!);
        var start = new ProcessStartInfo("dotnet", [assembly])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? Path.GetDirectoryName(assembly),
            Environment =
            {
                ["ASPNETCORE_ENVIRONMENT"] = environment,
                ["DOTNET_ENVIRONMENT"] = environment,
                ["ASPNETCORE_URLS"] = "http://127.0.0.1:0",
                ["services__api__http__0"] = apiUrl,
                ["TraceUrl"] = "http://traces.example/{traceId}",
                ["DataProtection__KeysDirectory"] = dataProtectionKeys,
                ["DataProtection__Secret"] = dataProtectionSecret,
                // As whatever Aspire deploys has it.
                ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true",
                ["ForwardedHeaders__KnownProxies__0"] = knownProxy,
                // Whether or not the working directory has the settings file.
                ["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information",
            },
        };
        foreach (var (key, value) in settings ?? [])
        {
            start.Environment[key] = value;
        }

        var web = new WebProcess(start);
        web._process.Start();
        web._process.BeginOutputReadLine();
        web._process.BeginErrorReadLine();
        await web._listening.Task.WaitAsync(Wait.DefaultLimit);
        return web;
    }

    /// <summary>What it has written so far.</summary>
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

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
