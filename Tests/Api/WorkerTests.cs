using System.Net;
using System.Text.Json;
using Aspire.Hosting.Testing;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Tests.Shared;
using StackExchange.Redis;

namespace InferenceTemplate.Tests.Api;

/// <summary>Orders to workers, which hear of them by way of Redis.</summary>
public sealed class WorkerTests(Platform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Worker_hears_the_last_order_and_the_chain_tells_who_gave_it()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(
            (await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        var fleet = new FleetRegistry(redis);
        var worker = Worker(WorkerState.Ready);
        await fleet.ReportAsync(worker);
        Assert.Null(await fleet.DrainOrderAsync(worker.Id));
        using var client = platform.Admin();

        using var drained = await client.PostAsync($"/v1/workers/{worker.Id}/drain", null, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, drained.StatusCode);
        Assert.True(await fleet.DrainOrderAsync(worker.Id));

        await fleet.ReportAsync(worker);
        using var undrained = await client.PostAsync($"/v1/workers/{worker.Id}/undrain", null, Cancellation);
        Assert.Equal(HttpStatusCode.Accepted, undrained.StatusCode);
        Assert.False(await fleet.DrainOrderAsync(worker.Id));
        Assert.Null(await fleet.DrainOrderAsync("another"));

        List<JsonElement> recorded = [];
        await Wait.UntilAsync(async () =>
        {
            using var response = await client.GetAsync($"/v1/audit?action=worker.&subject={worker.Id}", Cancellation);
            recorded = [.. (await response.JsonAsync()).GetProperty("entries").EnumerateArray()];
            return recorded.Count == 2;
        });
        Assert.Equal(["worker.undrained", "worker.drained"], recorded.Select(e => e.GetProperty("action").GetString()));
        Assert.All(recorded, e => Assert.NotEqual("unknown", e.GetProperty("actor").GetString()));
        await fleet.LeaveAsync(worker);
    }

    [Fact]
    public async Task Worker_that_is_not_there_or_can_not_drain_is_refused()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(
            (await platform.App.GetConnectionStringAsync("redis", Cancellation))!);
        var fleet = new FleetRegistry(redis);
        var older = Worker(state: null);
        await fleet.ReportAsync(older);
        using var client = platform.Admin();

        using var gone = await client.PostAsync("/v1/workers/gone/drain", null, Cancellation);
        using var cannot = await client.PostAsync($"/v1/workers/{older.Id}/drain", null, Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
        Assert.Contains("There is no worker 'gone' now", (await gone.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Conflict, cannot.StatusCode);
        Assert.Contains("of an older build", (await cannot.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Null(await fleet.DrainOrderAsync("gone"));
        Assert.Null(await fleet.DrainOrderAsync(older.Id));
        await fleet.LeaveAsync(older);
    }

    private static WorkerStatus Worker(string? state) => new(
        $"test-{Guid.NewGuid():N}"[..16], "elsewhere", TimeProvider.System.GetUtcNow(), Ready: true, "cpu", "CPUExecutionProvider", [], 0, 0, 0, 0)
    {
        State = state,
    };
}
