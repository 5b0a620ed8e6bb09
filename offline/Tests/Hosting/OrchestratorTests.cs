using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;

namespace Tests.Offline.Hosting;

/// <summary>Ordering, failure and what processes get, shown by small commands.</summary>
[Collection("AppHost")]
public sealed class OrchestratorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Dependent_starts_when_the_other_has_ended_well()
    {
        using var data = new DataFolder();
        await using var app = await StartAsync(data, builder =>
        {
            var job = Shell(builder, "job", "sleep 0.3; echo done > result");
            Shell(builder, "after", "cp result copy").WaitForCompletion(job);
        });

        await app.ResourceNotifications.WaitForResourceAsync("after", [KnownResourceStates.Finished], Cancellation);

        Assert.Equal("done\n", await File.ReadAllTextAsync(Path.Combine(data.Path, "copy"), Cancellation));
    }

    [Fact]
    public async Task Dependent_fails_and_says_why_when_the_other_has_ended_badly()
    {
        using var data = new DataFolder();
        await using var app = await StartAsync(data, builder =>
        {
            var job = Shell(builder, "job", "echo out of cheese; exit 3");
            Shell(builder, "after", "true").WaitForCompletion(job);
        });

        var error = await Assert.ThrowsAsync<DistributedApplicationException>(
            () => app.ResourceNotifications.WaitForResourceHealthyAsync("after", Cancellation));

        Assert.Contains("'job' has ended with code 3", error.Message, StringComparison.Ordinal);
        Assert.Contains("out of cheese", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Container_fails_with_advice_and_what_waits_for_it_too()
    {
        using var data = new DataFolder();
        await using var app = await StartAsync(data, builder =>
            Shell(builder, "after", "true").WaitFor(builder.AddContainer("box", "team/box")));

        var error = await Assert.ThrowsAsync<DistributedApplicationException>(
            () => app.ResourceNotifications.WaitForResourceHealthyAsync("after", Cancellation));

        Assert.Contains("'box' is a container", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Command_listens_behind_the_proxy_on_the_port_in_its_variable()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "no python3 on this machine");
        using var data = new DataFolder();
        await using var app = await StartAsync(data, builder =>
            Shell(builder, "files", "echo content > file; exec python3 -m http.server --bind 127.0.0.1 $PORT")
                .WithHttpEndpoint(env: "PORT")
                .WithHttpHealthCheck("/file"));

        await app.ResourceNotifications.WaitForResourceHealthyAsync("files", Cancellation);

        using var client = app.CreateHttpClient("files");
        Assert.Equal("content\n", await client.GetStringAsync("/file", Cancellation));
    }

    [Fact]
    public async Task Process_does_not_inherit_where_the_host_itself_listens()
    {
        using var data = new DataFolder();
        var before = Environment.GetEnvironmentVariable("ASPNETCORE_URLS");
        Environment.SetEnvironmentVariable("ASPNETCORE_URLS", "http://localhost:1");
        try
        {
            await using var app = await StartAsync(data, builder =>
                Shell(builder, "show", "env > result").WithEnvironment("GIVEN", "value"));
            await app.ResourceNotifications.WaitForResourceAsync("show", [KnownResourceStates.Finished], Cancellation);
        }
        finally
        {
            Environment.SetEnvironmentVariable("ASPNETCORE_URLS", before);
        }

        var variables = await File.ReadAllLinesAsync(Path.Combine(data.Path, "result"), Cancellation);
        Assert.Contains("GIVEN=value", variables);
        Assert.DoesNotContain(variables, v => v.StartsWith("ASPNETCORE_URLS", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Parameters_without_a_value_are_all_named_before_anything_starts()
    {
        using var data = new DataFolder();

        var error = await Assert.ThrowsAsync<MissingParameterValueException>(() => StartAsync(data, builder =>
        {
            builder.AddParameter("first-key", secret: true);
            builder.AddParameter("second");
        }));

        Assert.Contains("Parameters__first_key", error.Message, StringComparison.Ordinal);
        Assert.Contains("Parameters__second", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Handlers_of_the_ready_event_come_before_what_waits()
    {
        using var data = new DataFolder();
        await using var app = await StartAsync(data, builder =>
        {
            var first = Shell(builder, "first", "sleep 100").OnResourceReady(async (_, _, ct) =>
            {
                await Task.Delay(300, ct);
                await File.WriteAllTextAsync(Path.Combine(data.Path, "ready"), "yes", ct);
            });
            Shell(builder, "second", "cp ready seen").WaitFor(first);
        });

        var second = await app.ResourceNotifications.WaitForResourceAsync("second", e => e.Snapshot.ExitCode is not null, Cancellation);

        Assert.Equal(0, second.Snapshot.ExitCode);
    }

    private static IResourceBuilder<ExecutableResource> Shell(IDistributedApplicationBuilder builder, string name, string script) =>
        builder.AddExecutable(name, "/bin/sh", builder.Configuration["Offline:DataDirectory"]!, "-c", script);

    private static async Task<DistributedApplication> StartAsync(DataFolder data, Action<IDistributedApplicationBuilder> describe)
    {
        var builder = new DistributedApplicationBuilder(
            [$"--Offline:DataDirectory={data.Path}", $"--Offline:LogFile={Path.Combine(data.Path, "log")}"]);
        describe(builder);
        var app = builder.Build();
        try
        {
            await app.StartAsync(Cancellation);
            return app;
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }
}
