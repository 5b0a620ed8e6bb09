using InferenceTemplate.Api.BatchJobs;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

[Collection("batches")]
public sealed class BatchLeaseTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batches_go_to_one_of_the_replicas_that_claim_at_once()
    {
        await using var batches = await BatchServices.StartAsync(servers);
        var ids = new[] { await batches.AcceptAsync(), await batches.AcceptAsync(), await batches.AcceptAsync() };

        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => batches.Leases.ClaimAsync(Stopping)));

        // One that finds the row of another's claim locked passes it over: then it is the next look's.
        var claimed = claims.OfType<BatchLease>().Select(l => l.Id).ToList();
        while (await batches.Leases.ClaimAsync(Stopping) is { } lease)
        {
            claimed.Add(lease.Id);
        }

        Assert.Equal(ids.Order(), claimed.Order());
    }

    [Fact]
    public async Task Line_is_recorded_once_and_only_by_who_holds_the_lease()
    {
        await using var batches = await BatchServices.StartAsync(servers, options => options.Lease = TimeSpan.FromMilliseconds(1));
        var id = await batches.AcceptAsync();
        var slow = await batches.ClaimAsync();
        var recorded = await batches.RecordAsync(slow, 1, result: 1);
        var fast = await batches.ClaimAsync();

        var pending = await batches.Leases.PendingAsync(fast, 0, 10, Stopping);
        var late = await batches.RecordAsync(slow, 2, result: 2);
        var right = await batches.RecordAsync(fast, 2, result: 3);
        var again = await batches.RecordAsync(fast, 2, result: 4);
        var repeated = await batches.RecordAsync(fast, 1, result: 5);

        Assert.Equal((1, 2), (slow.Attempt, fast.Attempt));
        Assert.Equal((true, false, true, true, true), (recorded, late, right, again, repeated));
        Assert.Equal([2, 3], pending.Select(l => l.Number));
        Assert.Equal([(1, 1), (2, 3)], (await batches.LinesAsync(id, completed: true)).Select(l => (l.Number, (int)l.Result![0])));
        Assert.Equal((2, 0), await CountsAsync(batches, id));
    }

    [Fact]
    public async Task Batch_is_complete_when_all_its_lines_have_ended_and_not_before()
    {
        await using var batches = await BatchServices.StartAsync(servers);
        var id = await batches.AcceptAsync(lines: 2);
        var lease = await batches.ClaimAsync();
        await batches.RecordAsync(lease, 1);

        var early = await batches.Leases.CompleteAsync(lease, Stopping);
        await batches.Leases.RecordAsync(lease, [new(2, null, "it failed\0", 400)], Stopping);
        var complete = await batches.Leases.CompleteAsync(lease, Stopping);
        var batch = await batches.FindAsync(id);

        Assert.False(early);
        Assert.True(complete);
        Assert.Equal((BatchState.Completed, 1, 1), (batch!.State, batch.Completed, batch.Failed));
        var failed = Assert.Single(await batches.LinesAsync(id, completed: false));
        Assert.Equal((2, "custom-2", "it failed", (short)400), (failed.Number, failed.CustomId, failed.Error, failed.ErrorStatus!.Value));
        Assert.Equal(0L, await batches.ScalarAsync<long>("SELECT count(request) FROM batch_lines WHERE batch_id = $1", id));
    }

    [Fact]
    public async Task Cancelled_batch_takes_nothing_more_from_who_runs_it()
    {
        await using var batches = await BatchServices.StartAsync(servers);
        var id = await batches.AcceptAsync();
        var lease = await batches.ClaimAsync();
        await batches.RecordAsync(lease, 1);

        await batches.Endings.CancelAsync("another tenant", id, Stopping);
        var going = (await batches.FindAsync(id))!.State;
        await batches.Endings.CancelAsync(batches.Tenant, id, Stopping);

        Assert.Equal(BatchState.Running, going);
        Assert.False(await batches.RecordAsync(lease, 2));
        Assert.False(await batches.Leases.ExtendAsync(lease, Stopping));
        Assert.False(await batches.Leases.CompleteAsync(lease, Stopping));
        Assert.Equal(BatchState.Cancelled, (await batches.FindAsync(id))!.State);
        Assert.Equal((1, 0), await CountsAsync(batches, id));
        Assert.Equal([2, 3], (await batches.LinesAsync(id, completed: false)).Select(l => l.Number));
    }

    [Fact]
    public async Task Batch_that_is_given_back_is_free_at_once()
    {
        await using var batches = await BatchServices.StartAsync(servers, options => options.Lease = TimeSpan.FromMinutes(5));
        var id = await batches.AcceptAsync();
        var lease = await batches.ClaimAsync();

        var held = await batches.Leases.ClaimAsync(Stopping);
        await batches.Leases.ReleaseAsync(lease, Stopping);

        Assert.Null(held);
        Assert.Equal(new BatchLease(id, 2, batches.Owner), await batches.Leases.ClaimAsync(Stopping));
    }

    [Fact]
    public async Task Batch_that_was_given_back_waits_for_those_that_were_not_tried()
    {
        await using var batches = await BatchServices.StartAsync(servers);
        var first = await batches.AcceptAsync();
        var lease = await batches.ClaimAsync();
        var second = await batches.AcceptAsync();

        await batches.Leases.ReleaseAsync(lease, Stopping);

        Assert.Equal(second, (await batches.ClaimAsync()).Id);
        Assert.Equal(first, (await batches.ClaimAsync()).Id);
    }

    [Fact]
    public async Task Batch_expires_when_its_time_is_over_and_its_lines_go_after_their_retention()
    {
        await using var batches = await BatchServices.StartAsync(servers, options => options.Timeout = TimeSpan.FromSeconds(-1));
        var id = await batches.AcceptAsync();

        var claim = await batches.Leases.ClaimAsync(Stopping);
        await batches.SweepAsync();
        var expired = await batches.FindAsync(id);
        await batches.ScalarAsync<Guid>("UPDATE batches SET expires_at = now() - interval '1 hour' WHERE id = $1 RETURNING id", id);
        await batches.SweepAsync();
        var emptied = await batches.FindAsync(id);
        await batches.ScalarAsync<Guid>("UPDATE batches SET expires_at = now() - interval '25 hours' WHERE id = $1 RETURNING id", id);
        await batches.SweepAsync();

        Assert.Null(claim);
        Assert.Equal((BatchState.Expired, false), (expired!.State, expired.IsEmptied));
        Assert.True(emptied!.IsEmptied);
        Assert.Equal(0L, await batches.ScalarAsync<long>("SELECT count(*) FROM batch_lines WHERE batch_id = $1", id));
        Assert.Null(await batches.FindAsync(id));
    }

    [Fact]
    public async Task Batch_is_removed_by_its_tenant_when_it_has_ended()
    {
        await using var batches = await BatchServices.StartAsync(servers);
        var id = await batches.AcceptAsync();

        var early = await batches.Endings.DeleteAsync(batches.Tenant, id, Stopping);
        await batches.Endings.CancelAsync(batches.Tenant, id, Stopping);
        var others = await batches.Endings.DeleteAsync("another tenant", id, Stopping);
        var mine = await batches.Endings.DeleteAsync(batches.Tenant, id, Stopping);

        Assert.Equal((false, false, true), (early, others, mine));
        Assert.Null(await batches.FindAsync(id));
        Assert.Equal(0L, await batches.ScalarAsync<long>("SELECT count(*) FROM batch_lines WHERE batch_id = $1", id));
    }

    private static async Task<(int Completed, int Failed)> CountsAsync(BatchServices batches, Guid id)
    {
        var batch = await batches.FindAsync(id);
        return (batch!.Completed, batch.Failed);
    }
}
