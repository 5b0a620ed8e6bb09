using System.Diagnostics;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Tests.Offline.Hosting;

/// <summary>The sample AppHost under the testing builder: real Postgres, real Redis, real services.</summary>
[Collection("AppHost")]
public sealed class AppHostTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Services_run_with_what_they_were_given()
    {
        await using var app = await StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("web", Cancellation);
        using var api = app.CreateHttpClient("api");
        using var web = app.CreateHttpClient("web", "http");

        // Replicas share the endpoint; the content root is the project's directory.
        var processes = new HashSet<string>();
        for (var i = 0; i < 10; i++)
        {
            using var client = app.CreateHttpClient("api");
            client.DefaultRequestHeaders.ConnectionClose = true;
            processes.Add(await client.GetStringAsync("/pid", Cancellation));
        }

        Assert.Equal(2, processes.Count);
        Assert.EndsWith(Path.Combine("Sample", "Service"), await api.GetStringAsync("/directory", Cancellation), StringComparison.Ordinal);

        Assert.Equal(await app.GetConnectionStringAsync("inference", Cancellation), await Variable(api, "ConnectionStrings__inference"));
        Assert.Equal(await app.GetConnectionStringAsync("redis", Cancellation), await Variable(api, "ConnectionStrings__redis"));
        Assert.Matches("^admin_[A-Za-z0-9]{24}$", await Variable(api, "Admin__Key"));
        Assert.Equal("api", await Variable(api, "OTEL_SERVICE_NAME"));
        Assert.Equal("Development", await Variable(api, "ASPNETCORE_ENVIRONMENT"));
        Assert.Equal(app.GetEndpoint("api", "http").GetLeftPart(UriPartial.Authority), await Variable(web, "services__api__http__0"));

        // The database is there, and one logs in by the password only.
        await using var connection = new NpgsqlConnection(await app.GetConnectionStringAsync("inference", Cancellation));
        await connection.OpenAsync(Cancellation);
        await using var stranger = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connection.ConnectionString) { Password = "wrong" }.ConnectionString);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => stranger.OpenAsync(Cancellation));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);

        // A body larger than any buffer passes the proxy both ways.
        using var body = new ByteArrayContent([.. Enumerable.Range(0, 5_000_000).Select(i => (byte)(i * 7))]);
        using var echo = await api.PostAsync("/echo", body, Cancellation);
        Assert.Equal(await body.ReadAsByteArrayAsync(Cancellation), await echo.Content.ReadAsByteArrayAsync(Cancellation));
    }

    [Fact]
    public async Task Data_and_secrets_stay_for_the_next_start_when_they_have_a_directory()
    {
        using var data = new DataFolder();
        string[] args = [$"--Offline:DataDirectory={data.Path}"];
        string? first;
        await using (var app = await StartAsync(args))
        {
            await app.ResourceNotifications.WaitForResourceHealthyAsync("inference", Cancellation);
            first = await app.GetConnectionStringAsync("inference", Cancellation);
            await ExecuteAsync(first, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)");
        }

#pragma warning disable CA1416 // the whole orchestrator is for Unix
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(data.Path, "secrets.json")));
#pragma warning restore CA1416
        await using (var app = await StartAsync(args))
        {
            await app.ResourceNotifications.WaitForResourceHealthyAsync("inference", Cancellation);
            var second = await app.GetConnectionStringAsync("inference", Cancellation);
            Assert.Equal(42, await ExecuteAsync(second, "SELECT n FROM kept"));
            Assert.Equal(new NpgsqlConnectionStringBuilder(first).Password, new NpgsqlConnectionStringBuilder(second).Password);
        }
    }

    [Fact]
    public async Task Waiting_for_a_service_that_failed_throws_with_its_last_lines()
    {
        await using var app = await StartAsync("--Sample:FailAtStart=no licence");

        var error = await Assert.ThrowsAsync<DistributedApplicationException>(
            () => app.ResourceNotifications.WaitForResourceHealthyAsync("web", Cancellation));

        Assert.Contains("code 7", error.Message, StringComparison.Ordinal);
        Assert.Contains("no licence", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_replica_serves_on_when_another_ends_and_the_resource_ends_with_the_last()
    {
        await using var app = await StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("api", Cancellation);

        await KillOneAsync(app);
        using (var client = app.CreateHttpClient("api"))
        {
            Assert.Equal("healthy", await client.GetStringAsync("/health", Cancellation));
        }

        await KillOneAsync(app);
        var ended = await app.ResourceNotifications.WaitForResourceAsync("api", e => e.Snapshot.ExitCode is not null, Cancellation);
        Assert.Equal((KnownResourceStates.Finished, 128 + 9), (ended.Snapshot.State!.Text, ended.Snapshot.ExitCode));
    }

    [Fact]
    public async Task Description_can_be_changed_before_it_is_built()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sample_AppHost>(Cancellation);
        Assert.Equal(["admin-key", "postgres", "inference", "redis", "api", "web"], builder.Resources.Select(r => r.Name));
        foreach (var name in new[] { "postgres", "inference", "api", "web" })
        {
            Assert.True(builder.Resources.TryGetByName(name, out var resource));
            builder.Resources.Remove(resource);
        }

        var ready = new TaskCompletionSource<string>();
        builder.Eventing.Subscribe<ResourceReadyEvent>((e, _) => Task.FromResult(ready.TrySetResult(e.Resource.Name)));
        await using var app = await builder.BuildAsync(Cancellation);
        await app.StartAsync(Cancellation);

        Assert.Equal("redis", await ready.Task.WaitAsync(Cancellation));
        await app.StopAsync(Cancellation);
    }

    [Fact]
    public async Task Postgres_crash_is_reported_and_ends_waiting()
    {
        using var data = new DataFolder();
        await using var app = await StartAsync($"--Offline:DataDirectory={data.Path}");
        await app.ResourceNotifications.WaitForResourceHealthyAsync("inference", Cancellation);

        var postmaster = (await File.ReadAllLinesAsync(Path.Combine(data.Path, "postgres", "cluster", "postmaster.pid"), Cancellation))[0];
        Process.GetProcessById(int.Parse(postmaster)).Kill();

        Assert.Equal("Exited", await app.ResourceNotifications.WaitForResourceAsync("postgres", ["Exited"], Cancellation));
        await Assert.ThrowsAsync<DistributedApplicationException>(
            () => app.ResourceNotifications.WaitForResourceHealthyAsync("postgres", Cancellation));
    }

    [Fact]
    public async Task Disposed_builder_takes_the_application_and_its_data_with_it()
    {
        string directory;
        await using (var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sample_AppHost>(Cancellation))
        {
            directory = builder.Configuration["Offline:DataDirectory"]!;
            var app = await builder.BuildAsync(Cancellation);
            await app.StartAsync(Cancellation);
            await app.ResourceNotifications.WaitForResourceAsync("redis", KnownResourceStates.Running, Cancellation);
            Assert.True(Directory.Exists(directory));
        }

        Assert.False(Directory.Exists(directory));
    }

    private static async Task<DistributedApplication> StartAsync(params string[] args)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sample_AppHost>(args, Cancellation);
        var app = await builder.BuildAsync(Cancellation);
        await app.StartAsync(Cancellation);
        return app;
    }

    private static Task<string> Variable(HttpClient client, string name) => client.GetStringAsync($"/variables/{name}", Cancellation);

    private static async Task KillOneAsync(DistributedApplication app)
    {
        using var client = app.CreateHttpClient("api");
        using var process = Process.GetProcessById(int.Parse(await client.GetStringAsync("/pid", Cancellation)));
        process.Kill();
        await process.WaitForExitAsync(Cancellation);
    }

    private static async Task<object?> ExecuteAsync(string? connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connectionString!);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Cancellation);
    }
}
