using Aspire.Hosting.ApplicationModel;

namespace InferenceTemplate.Tests.AppHost;

public sealed class BenchTests(SharedPlatform platform)
{
    [Fact]
    public void Benchmark_waits_to_be_started() =>
        Assert.Equal(KnownResourceStates.NotStarted, platform.Snapshot("bench").State?.Text);
}
