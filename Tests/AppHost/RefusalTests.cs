using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>
/// A machine on which the platform cannot run: one message says what, why and which command helps, and no stack trace does.
/// </summary>
[UnsupportedOSPlatform("windows")]
public sealed class RefusalTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("inference-refusal-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Missing_redis_is_named_with_the_command_that_installs_it()
    {
        Machine.RequireProcesses();
        var message = await RefusedAsync(start => start.Environment["PATH"] = PathWithout("redis-server"));

        Assert.Contains("Redis is not installed", message, StringComparison.Ordinal);
        Assert.Contains("sudo apt-get install --no-install-recommends redis-server", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Folder_of_another_apphost_is_refused_with_the_command_that_stops_it()
    {
        Machine.RequireProcesses();
        await using var first = HostProcess.Start(_data);
        await first.WroteAsync("Starting DCP");

        var message = await RefusedAsync(_ => { });

        Assert.Contains($"Process {first.Id} runs Postgres and Redis with the data in '{_data}'", message, StringComparison.Ordinal);
        Assert.Contains($"kill {first.Id}", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Port_in_use_is_named_with_its_setting_and_the_command_that_finds_its_user()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var message = await RefusedAsync(start =>
        {
            start.ArgumentList.Remove("--DcpPublisher:RandomizePorts=true");
            start.Environment["ASPNETCORE_URLS"] = $"http://localhost:{port}";
        });

        Assert.Contains($"Port {port}, which the Aspire dashboard needs, is in use", message, StringComparison.Ordinal);
        Assert.Contains($"ss -ltnp sport = :{port}", message, StringComparison.Ordinal);
        Assert.Contains("AppHost/Properties/launchSettings.json", message, StringComparison.Ordinal);
    }

    private async Task<string> RefusedAsync(Action<ProcessStartInfo> change)
    {
        await using var host = HostProcess.Start(_data, change);
        Assert.Equal(1, await host.EndedAsync());
        Assert.DoesNotContain("   at ", host.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("xception", host.Output, StringComparison.Ordinal);
        Assert.Single(host.Output.Split('\n'), line => line.StartsWith("error: ", StringComparison.Ordinal));
        return host.Output;
    }

    /// <summary>A folder with links to all programs but one.</summary>
    private string PathWithout(string program)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_data, "programs")).FullName;
        foreach (var each in Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator)
            .Where(Directory.Exists).SelectMany(Directory.GetFiles))
        {
            var link = Path.Combine(folder, Path.GetFileName(each));
            if (Path.GetFileName(each) != program && !File.Exists(link))
            {
                File.CreateSymbolicLink(link, each);
            }
        }

        return folder;
    }
}
