using System.Net;
using System.Net.Sockets;

namespace Tests.Offline.Hosting;

/// <summary>How an AppHost behaves as a process: what it leaves behind, and what it says when it cannot start.</summary>
[Collection("AppHost")]
public sealed class HostProcessTests
{
    [Fact]
    public async Task Nothing_remains_when_the_host_is_killed_and_the_next_start_finds_its_data_sound()
    {
        using var data = new DataFolder();
        await using (var host = HostProcess.Start(data.Path))
        {
            await host.WaitForAsync("[web] healthy");

            // Two replicas, web, Postgres, Redis: each with its supervisor.
            Assert.True(data.Processes().Count >= 10, host.Output);
            host.Kill();
            await host.WaitForExitAsync();
        }

        // The next start does not wait for that: it does so itself.
        await using (var next = HostProcess.Start(data.Path))
        {
            await next.WaitForAsync("[web] healthy");
            Assert.DoesNotContain("failed", next.Output, StringComparison.Ordinal);
            next.Kill();
            await next.WaitForExitAsync();
        }

        await data.WaitUntilNothingRunsAsync();
    }

    [Fact]
    public async Task Everything_stops_gracefully_and_last_first_when_the_host_is_told_to_stop()
    {
        using var data = new DataFolder();
        await using var host = HostProcess.Start(data.Path);
        await host.WaitForAsync("[web] healthy");

        host.Terminate();

        Assert.Equal(0, await host.WaitForExitAsync());
        Assert.Empty(data.Processes());
        var order = new[] { "[web] stopped", "api-1 | stopped gracefully", "[api-1] stopped", "[postgres] stopped" }
            .Select(l => host.Output.IndexOf(l, StringComparison.Ordinal)).ToArray();
        Assert.DoesNotContain(-1, order);
        Assert.True(order[0] < order[2] && order[2] < order[3], host.Output);
        Assert.Contains("database system is shut down", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Postgres_starts_when_a_crash_left_its_pid_file_behind()
    {
        using var data = new DataFolder();
        await using (var host = HostProcess.Start(data.Path))
        {
            await host.WaitForAsync("[inference] healthy");
        }

        // The number of a process that lives, as after a restart of the machine: Postgres alone would refuse.
        var cluster = Path.Combine(data.Path, "postgres", "cluster");
        await File.WriteAllTextAsync(Path.Combine(cluster, "postmaster.pid"), $"{Environment.ProcessId}\n{cluster}\n", TestContext.Current.CancellationToken);

        await using var next = HostProcess.Start(data.Path);
        await next.WaitForAsync("[inference] healthy");
    }

    [Fact]
    public async Task Second_host_on_the_same_data_says_who_uses_it()
    {
        using var data = new DataFolder();
        await using var first = HostProcess.Start(data.Path);
        await first.WaitForAsync("[redis] healthy");

        await using var second = HostProcess.Start(data.Path);

        Assert.Equal(1, await second.WaitForExitAsync());
        Assert.Contains("is in use by another running AppHost (process ", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Taken_port_is_named_with_its_resource_and_the_file_to_change()
    {
        using var data = new DataFolder();
        using var taken = new TcpListener(IPAddress.Loopback, 5190);
        taken.Start();

        await using var host = HostProcess.Start(data.Path, new() { ["DcpPublisher__RandomizePorts"] = "false" });

        Assert.Equal(1, await host.WaitForExitAsync());
        var line = await host.WaitForAsync("error: Port 5190");
        Assert.Contains("'api'", line, StringComparison.Ordinal);
        Assert.Contains(Path.Combine("Service", "Properties", "launchSettings.json"), line, StringComparison.Ordinal);
        Assert.Empty(data.Processes());
    }

    [Theory]
    [InlineData("redis-server", "apt-get install redis-server")]
    [InlineData("setsid", "apt-get install util-linux")]
    public async Task Missing_program_is_named_with_its_package(string program, string advice)
    {
        using var data = new DataFolder();
        var path = Directory.CreateDirectory(Path.Combine(data.Path, "path")).FullName;
        foreach (var present in new[] { "setsid", "flock", "setpriv", "chown", "redis-server" }.Where(p => p != program))
        {
            File.CreateSymbolicLink(Path.Combine(path, present), Path.Combine("/usr/bin", present));
        }

        await using var host = HostProcess.Start(data.Path, new() { ["PATH"] = path });

        Assert.Equal(1, await host.WaitForExitAsync());
        Assert.Contains(advice, host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_directory_that_cannot_be_written_is_named()
    {
        await using var host = HostProcess.Start("/proc/data");

        Assert.Equal(1, await host.WaitForExitAsync());
        Assert.Contains("The data directory /proc/data cannot be written", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failed_service_is_shown_with_its_code_and_last_lines()
    {
        using var data = new DataFolder();
        await using var host = HostProcess.Start(data.Path, null, "--Sample:FailAtStart=the reason of the service");

        await host.WaitForAsync("[web] exited (7)");

        await host.WaitForAsync("its last lines");
        Assert.Contains("web | the reason of the service", host.Output, StringComparison.Ordinal);
    }
}
