using InferenceTemplate.Api.BatchJobs;
using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Tests.Unit;

public sealed class BatchLineCallTests
{
    [Theory]
    [InlineData(ReplyOutcome.Unavailable, 0, true)]
    [InlineData(ReplyOutcome.NotLoaded, 0, false)]
    [InlineData(ReplyOutcome.Expired, 1, true)]
    [InlineData(ReplyOutcome.Expired, 0, false)]
    public void Run_that_outlasts_its_line_counts_as_an_attempt_and_a_wait_does_not(ReplyOutcome outcome, int computeSeconds, bool tried) =>
        Assert.Equal(tried, BatchLineCall.WasTried(
            new InferenceReply(Guid.Empty, outcome, "", TimeSpan.Zero, TimeSpan.FromSeconds(computeSeconds), 0, "w", [])));

    [Fact]
    public void Line_that_nobody_answered_only_waited() => Assert.False(BatchLineCall.WasTried(null));
}
