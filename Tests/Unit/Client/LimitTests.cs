using InferenceTemplate.Client;

namespace InferenceTemplate.Tests.Unit.Client;

public sealed class LimitTests
{
    [Fact]
    public void Call_is_waited_for_as_long_as_it_asked_and_the_longest_that_a_platform_gives()
    {
        Assert.Equal(TimeSpan.FromSeconds(6), InferenceClient.LimitOf(TimeSpan.FromSeconds(1)));
        Assert.Equal(TimeSpan.FromMinutes(3) + InferenceClient.Grace, InferenceClient.LimitOf(TimeSpan.FromMinutes(3)));
        Assert.Equal(InferenceClient.LongestTimeout + InferenceClient.Grace, InferenceClient.LimitOf(TimeSpan.MaxValue));
        Assert.Equal(TimeSpan.FromSeconds(100), InferenceClient.LimitOf(null));
    }
}
