using System.Diagnostics;
using System.Runtime.Versioning;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.AppHost;

/// <summary>Postgres and Redis as processes: what a second start finds, and what it does not.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class LocalServerTests : IDisposable
{
    // A path that a careless script or configuration file would break at.
    private readonly string _data = Directory.CreateTempSubdirectory("it's \"one\" data folder ").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    public async Task Second_start_has_the_data_of_the_first_though_the_passwords_are_others()
    {
        Machine.RequireProcesses();
        await using (var first = await StartAsync("first'password"))
        {
            await using var database = NpgsqlDataSource.Create((await first.GetConnectionStringAsync("inference", Cancellation))!);
            await using var write = database.CreateCommand("CREATE TABLE kept AS SELECT 42 AS answer");
            await write.ExecuteNonQueryAsync(Cancellation);
            await using var redis = await ConnectionMultiplexer.ConnectAsync(
                (await first.GetConnectionStringAsync("redis", Cancellation))!);
            await redis.GetDatabase().StringSetAsync("kept", 42);
        }

        // Stopped in good order: a crash would have left it.
        Assert.False(File.Exists(Path.Combine(_data, "postgres", "cluster", "postmaster.pid")));

        await using var second = await StartAsync("second\\password");
        await using var again = NpgsqlDataSource.Create((await second.GetConnectionStringAsync("inference", Cancellation))!);
        await using var read = again.CreateCommand("SELECT answer FROM kept");
        Assert.Equal(42, await read.ExecuteScalarAsync(Cancellation));
        await using var redisAgain = await ConnectionMultiplexer.ConnectAsync(
            (await second.GetConnectionStringAsync("redis", Cancellation))!);
        Assert.Equal(42, (int)await redisAgain.GetDatabase().StringGetAsync("kept"));
    }

    [Fact]
    public async Task Start_goes_through_where_a_killed_server_left_its_files()
    {
        Machine.RequireProcesses();
        await using (await StartAsync("password"))
        {
        }

        // The number of a process that is alive and no Postgres, as after a restart of a container.
        var cluster = Path.Combine(_data, "postgres", "cluster");
        await File.WriteAllTextAsync(Path.Combine(cluster, "postmaster.pid"), $"{Environment.ProcessId}\n{cluster}\n", Cancellation);

        await using var again = await StartAsync("password");
        await using var database = NpgsqlDataSource.Create((await again.GetConnectionStringAsync("inference", Cancellation))!);
        await using var command = database.CreateCommand("SELECT 1");
        Assert.Equal(1, await command.ExecuteScalarAsync(Cancellation));
    }

    [Fact]
    public async Task Passwords_and_data_are_for_nobody_else_to_read()
    {
        Machine.RequireProcesses();
        const string Password = "quite-a-special-password";
        await using var app = await StartAsync(Password);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_data, "redis", "redis.conf")));
        Assert.Equal(UnixFileMode.None,
            File.GetUnixFileMode(Path.Combine(_data, "postgres", "cluster")) & (UnixFileMode.OtherRead | UnixFileMode.GroupRead));
        Assert.False(File.Exists(Path.Combine(_data, "postgres", "initial-password")));
        var servers = Process.GetProcesses().Where(process => process.ProcessName is "postgres" or "redis-server").ToList();
        Assert.NotEmpty(servers);
        foreach (var server in servers)
        {
            var command = "";
            try
            {
                command = await File.ReadAllTextAsync($"/proc/{server.Id}/cmdline", Cancellation);
            }
            catch (IOException)
            {
                // A session of Postgres that has ended.
            }

            Assert.DoesNotContain(Password, command, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Postgres_never_runs_as_root()
    {
        Machine.RequireProcesses();
        await using var app = await StartAsync("password");

        var id = (await File.ReadAllLinesAsync(Path.Combine(_data, "postgres", "cluster", "postmaster.pid"), Cancellation))[0];
        var status = await File.ReadAllLinesAsync($"/proc/{id}/status", Cancellation);

        Assert.NotEqual("0", status.Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1]);
    }

    /// <summary>The servers alone, as the AppHost composes them.</summary>
    private async Task<DistributedApplication> StartAsync(string password)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        limit.CancelAfter(Wait.DefaultLimit);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            [$"--Data={_data}", $"--Parameters:postgres-password={password}", $"--Parameters:redis-password={password}"], limit.Token);
        foreach (var service in builder.Resources.OfType<ProjectResource>().ToList())
        {
            builder.Resources.Remove(service);
        }

        var app = await builder.BuildAsync(limit.Token);
        try
        {
            await app.StartAsync(limit.Token);
            var resources = app.Services.GetRequiredService<ResourceNotificationService>();
            await resources.WaitForResourceHealthyAsync("inference", limit.Token);
            await resources.WaitForResourceHealthyAsync("redis", limit.Token);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }
}
