using InferenceTemplate.Api.BatchJobs;
using InferenceTemplate.Data;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Storage;

[Collection("batches")]
public sealed class BatchIntakeTests(Servers servers)
{
    private static CancellationToken Stopping => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Batch_is_seen_and_run_only_when_it_is_complete()
    {
        await using var batches = await BatchServices.StartAsync(servers);
        var id = (await batches.Intake.BeginAsync(batches.Owner, Stopping)).Id!.Value;
        await batches.Intake.AddAsync(id, [BatchServices.Line(1), BatchServices.Line(2, "wrong")], Stopping);

        var (early, claimed) = (await batches.FindAsync(id), await batches.Leases.ClaimAsync(Stopping));
        await batches.Intake.AddAsync(id, [BatchServices.Line(4)], Stopping);
        await batches.Intake.FinishAsync(id);
        var batch = await batches.FindAsync(id);

        Assert.Null(early);
        Assert.Null(claimed);
        Assert.Equal((BatchState.Queued, 3, 0, 1), (batch!.State, batch.Total, batch.Completed, batch.Failed));
        Assert.Equal(id, (await batches.Leases.ClaimAsync(Stopping))?.Id);
    }

    [Fact]
    public async Task Batch_of_lines_that_are_all_wrong_has_ended_when_it_is_complete()
    {
        await using var batches = await BatchServices.StartAsync(servers);
        var id = (await batches.Intake.BeginAsync(batches.Owner, Stopping)).Id!.Value;
        await batches.Intake.AddAsync(id, [BatchServices.Line(1, "wrong")], Stopping);
        await batches.Intake.FinishAsync(id);

        var batch = await batches.FindAsync(id);

        Assert.Equal(BatchState.Completed, batch!.State);
        Assert.NotNull(batch.FinishedAt);
        Assert.NotNull(batch.ExpiresAt);
        Assert.Null(await batches.Leases.ClaimAsync(Stopping));
    }

    [Fact]
    public async Task Tenant_gets_no_more_unfinished_batches_than_it_may_whoever_begins_them_at_once()
    {
        await using var batches = await BatchServices.StartAsync(servers, options => options.MaxPendingPerTenant = 3);

        var begun = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => batches.Intake.BeginAsync(batches.Owner, Stopping)));
        await batches.Intake.DiscardAsync(begun.First(one => one.Id is not null).Id!.Value);

        Assert.Equal(3, begun.Count(one => one.Id is not null));
        Assert.All(begun.Where(one => one.Id is null), one => Assert.Contains(
            "has 3 batches that have not ended, as many as it may (Batches:MaxPendingPerTenant)", one.Refusal, StringComparison.Ordinal));
        Assert.NotNull((await batches.Intake.BeginAsync(batches.Owner, Stopping)).Id);
    }

    [Fact]
    public async Task Tenant_gets_no_more_batches_while_those_that_are_kept_have_as_many_lines_as_it_may()
    {
        await using var batches = await BatchServices.StartAsync(servers, options => options.MaxLinesPerTenant = 3);
        var id = await batches.AcceptAsync(lines: 3);

        var (none, refusal) = await batches.Intake.BeginAsync(batches.Owner, Stopping);
        await batches.Endings.CancelAsync(batches.Tenant, id, Stopping);
        var (ended, _) = await batches.Intake.BeginAsync(batches.Owner, Stopping);
        await batches.Endings.DeleteAsync(batches.Tenant, id, Stopping);
        var (deleted, _) = await batches.Intake.BeginAsync(batches.Owner, Stopping);

        Assert.Equal((null, null), (none, ended));
        Assert.Contains("has 3 lines or more in batches that are kept", refusal, StringComparison.Ordinal);
        Assert.NotNull(deleted);
    }

    [Fact]
    public async Task Batch_that_stops_arriving_goes_with_its_lines_and_takes_no_more()
    {
        await using var batches = await BatchServices.StartAsync(servers);
        var id = (await batches.Intake.BeginAsync(batches.Owner, Stopping)).Id!.Value;
        await batches.Intake.AddAsync(id, [BatchServices.Line(1)], Stopping);
        await batches.ScalarAsync<Guid>("UPDATE batches SET lease_until = now() - interval '1 second' WHERE id = $1 RETURNING id", id);

        await batches.SweepAsync();

        await Assert.ThrowsAsync<BatchIntakeLostException>(() => batches.Intake.AddAsync(id, [BatchServices.Line(2)], Stopping));
        await Assert.ThrowsAsync<BatchIntakeLostException>(() => batches.Intake.FinishAsync(id));
        Assert.Equal(0L, await batches.ScalarAsync<long>("SELECT count(*) FROM batch_lines WHERE batch_id = $1", id));
        Assert.Equal(0L, await batches.ScalarAsync<long>("SELECT count(*) FROM batches WHERE id = $1", id));
    }
}
