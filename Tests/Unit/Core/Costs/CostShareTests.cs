using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Tests.Unit;

public sealed class CostShareTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 7, 1, 2)]
    [InlineData(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)]
    public void Shares_of_a_batch_add_up_to_what_it_cost(params int[] rows)
    {
        // A price and a time that nothing divides evenly.
        var batch = rows.Sum();
        var time = TimeSpan.FromTicks(12_347);
        var shares = new List<decimal>();
        foreach (var count in rows)
        {
            shares.Add(CostShare.Of(Reply(time, batch, firstRow: rows.Take(shares.Count).Sum()), count, 2.17m));
        }

        var run = CostShare.OfRun(time, 2.17m);
        Assert.True(run > 0);
        Assert.Equal(run, shares.Sum());
        foreach (var (share, count) in shares.Zip(rows))
        {
            Assert.Equal((double)(run * count / batch), (double)share, 1.1e-15);
        }
    }

    [Fact]
    public void Hour_of_the_device_costs_its_price() =>
        Assert.Equal(2.5m, CostShare.Of(Reply(TimeSpan.FromHours(1), 4, 0), 4, 2.5m));

    [Fact]
    public void Request_that_never_ran_costs_nothing() => Assert.Equal(0, CostShare.Of(Reply(TimeSpan.Zero, 0, 0), 3, 2.5m));

    [Fact]
    public void First_row_travels_with_the_reply()
    {
        var batch = new ReplyBatch();
        batch.Add(Guid.NewGuid(), ReplyOutcome.Completed, null, default, default, batchSize: 8, "worker", outputs: 0, firstRow: 5);

        Assert.Equal((8, 5), ReplyBatch.Read(batch.ToMessage()).Select(r => (r.BatchSize, r.FirstRow)).Single());
    }

    private static InferenceReply Reply(TimeSpan compute, int batch, int firstRow) =>
        new(Guid.NewGuid(), ReplyOutcome.Completed, null, default, compute, batch, "worker", []) { FirstRow = firstRow };
}
