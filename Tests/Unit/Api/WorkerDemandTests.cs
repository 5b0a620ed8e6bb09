using InferenceTemplate.Api.Scaling;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class WorkerDemandTests
{
    [Theory]
    [InlineData(new long[] { }, 0, 0, 1)] // the first worker makes models known
    [InlineData(new long[] { }, 0, 1, 0)] // it is at it
    [InlineData(new long[] { 0, 0 }, 0, 0, 0)]
    [InlineData(new long[] { 0, 0 }, 2, 0, 2)] // somebody must open the uploads
    [InlineData(new long[] { 3, 4 }, 0, 0, 7)]
    [InlineData(new long[] { 3, 4 }, 0, 2, 7)] // the autoscaler divides by the workers itself
    public void Demand_is_what_waits_or_one_worker_for_a_platform_without_models(long[] depths, int uploads, int workers, long waiting) =>
        Assert.Equal(new WorkerDemand(waiting, workers), WorkerDemand.Of(depths, uploads, workers));
}
