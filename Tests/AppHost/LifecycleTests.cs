using System.Diagnostics;
using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Npgsql;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>Commands that stop and start things, one at a time: others of this assembly use what they take away.</summary>
public sealed class LifecycleTests(SharedPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Drained_worker_ends_in_good_order_and_comes_back()
    {
        var drained = await platform.CommandAsync("worker", "drain");

        Assert.True(drained.Success, drained.Message);
        Assert.Contains(platform.Snapshot("worker").State?.Text, KnownResourceStates.TerminalStates);
        Assert.Equal(0, platform.Snapshot("worker").ExitCode);

        var started = await platform.CommandAsync("worker", KnownResourceCommands.StartCommand);
        Assert.True(started.Success, started.Message);
        await platform.Notifications.WaitForResourceHealthyAsync("worker", Cancellation).WaitAsync(Wait.DefaultLimit, Cancellation);
    }

    [Fact]
    public async Task Restart_of_a_server_is_one_of_its_process()
    {
        var before = platform.Snapshot("postgres").StartTimeStamp;

        var restarted = await platform.CommandAsync("postgres", KnownResourceCommands.RestartCommand);

        Assert.True(restarted.Success, restarted.Message);
        await platform.WaitAsync("postgres", now => now.State?.Text == KnownResourceStates.Running && now.StartTimeStamp > before);
        Assert.NotEqual(0L, await CountModelsAsync());
        await ServesAsync();
    }

    [Fact]
    public async Task Stopped_server_is_shown_as_stopped_until_it_is_started()
    {
        var stopped = await platform.CommandAsync("redis", KnownResourceCommands.StopCommand);
        Assert.True(stopped.Success, stopped.Message);
        await platform.WaitAsync("redis", now => KnownResourceStates.TerminalStates.Contains(now.State?.Text));

        var started = await platform.CommandAsync("redis", KnownResourceCommands.StartCommand);
        Assert.True(started.Success, started.Message);
        await platform.Notifications.WaitForResourceHealthyAsync("redis", Cancellation).WaitAsync(Wait.DefaultLimit, Cancellation);
        await ServesAsync();
    }

    [Fact, Trait("Tier", "Nightly")]
    public async Task Service_that_dies_is_started_again_but_not_for_ever()
    {
        for (var restart = 0; restart < 3; restart++)
        {
            var before = Kill("worker");
            await platform.WaitAsync("worker", now => now.State?.Text == KnownResourceStates.Running && now.StartTimeStamp > before);
        }

        Kill("worker");
        await platform.WaitAsync("worker", now => KnownResourceStates.TerminalStates.Contains(now.State?.Text));

        var started = await platform.CommandAsync("worker", KnownResourceCommands.StartCommand);
        Assert.True(started.Success, started.Message);
        await platform.Notifications.WaitForResourceHealthyAsync("worker", Cancellation).WaitAsync(Wait.DefaultLimit, Cancellation);
    }

    /// <returns>When it had been started.</returns>
    /// <summary>The other tests need an Api whose every replica has noticed that its servers are back.</summary>
    private async Task ServesAsync()
    {
        using var client = platform.Admin();
        await client.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Get, "/v1/models"), response => Task.FromResult(response.IsSuccessStatusCode));
        await client.OnEachReplicaAsync(
            () => new HttpRequestMessage(HttpMethod.Post, "/v2/models/digits/infer")
            {
                Content = Digits.Request([Digits.HeldOut[0].Pixels]),
            },
            response => Task.FromResult(response.IsSuccessStatusCode));
    }

    private DateTime? Kill(string service)
    {
        var now = platform.Snapshot(service);
        using var process = Process.GetProcessById(
            Convert.ToInt32(now.Properties.Single(each => each.Name == "executable.pid").Value, CultureInfo.InvariantCulture));
        process.Kill();
        return now.StartTimeStamp;
    }

    /// <summary>Its process runs a while before it listens.</summary>
    private async Task<object?> CountModelsAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Wait.DefaultLimit);
        await using var database = NpgsqlDataSource.Create((await platform.App.GetConnectionStringAsync("inference", Cancellation))!);
        while (true)
        {
            try
            {
                await using var command = database.CreateCommand("SELECT count(*) FROM models");
                return await command.ExecuteScalarAsync(limit.Token);
            }
            catch (NpgsqlException) when (!limit.IsCancellationRequested)
            {
                await Task.Delay(100, limit.Token);
            }
        }
    }
}
