using System.Runtime.Versioning;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>Ctrl+C, whenever it comes: nothing goes on, and the next start works.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class StartAndStopTests : IDisposable
{
    private readonly string _data = Directory.CreateTempSubdirectory("inference-start-").FullName;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    // By day the moment at which most is half done stands for all.
    [Theory, Trait("Tier", "Nightly")]
    [InlineData("Aspire AppHost version")]
    [InlineData("Starting DCP")]
    [InlineData("Distributed application started")]
    public async Task Nothing_runs_on_after_a_start_that_was_broken_off(string moment)
    {
        Machine.RequireProcessesOfLinux();
        await using var host = HostProcess.Start(_data);
        await host.WroteAsync(moment);

        await StopAsync(host);
    }

    [Fact]
    public async Task Nothing_runs_on_after_a_start_that_was_broken_off_while_the_database_was_made()
    {
        Machine.RequireProcessesOfLinux();
        await using var host = HostProcess.Start(_data);
        await host.ReachedAsync(() => Directory.Exists(Path.Combine(_data, "postgres", "cluster")), "a cluster of Postgres");

        await StopAsync(host);
    }

    [Fact, Trait("Tier", "Nightly")]
    public async Task Start_right_after_one_that_was_broken_off_gets_ready_and_ends_in_good_order()
    {
        Machine.RequireProcessesOfLinux();
        await using (var first = HostProcess.Start(_data))
        {
            await first.ReachedAsync(
                () => first.Children().Any(child => child.Command.Contains(".Worker", StringComparison.Ordinal)), "a worker");
            await StopAsync(first);
        }

        await using var second = HostProcess.Start(_data);
        await second.WroteAsync("\nReady.");
        await StopAsync(second);
    }

    private static async Task StopAsync(HostProcess host)
    {
        host.Interrupt();
        var exitCode = await host.EndedAsync();

        // At this very moment: a user types the next command.
        Assert.Empty(host.Children());
        Assert.True(exitCode == 0, $"{exitCode}: {host.Output}");
        Assert.DoesNotContain("Unhandled exception", host.Output, StringComparison.Ordinal);

        // What is left is the orchestrator, which looks now and then whether the host is there, and then puts its own things in order.
        await Wait.UntilAsync(() => host.All().Count == 0, HostProcess.Limit, "the orchestrator to end");
    }
}
