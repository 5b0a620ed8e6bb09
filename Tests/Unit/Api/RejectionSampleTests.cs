using InferenceTemplate.Api.Predictions;
using Microsoft.Extensions.Time.Testing;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class RejectionSampleTests
{
    [Fact]
    public void Ten_rejections_of_each_tenant_are_recorded_in_a_second()
    {
        var time = new FakeTimeProvider();
        var sample = new RejectionSample(time);
        int Taken(string tenant) => Enumerable.Range(0, 25).Count(_ => sample.Take(tenant));

        Assert.Equal((10, 10, 0), (Taken("noisy"), Taken("quiet"), Taken("noisy")));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(10, Taken("noisy"));
    }
}
