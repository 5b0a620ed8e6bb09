using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Inspection;
using InferenceTemplate.Worker.Execution;
using InferenceTemplate.Worker.ModelCache;
using InferenceTemplate.Worker.Models;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.ModelCache;

public sealed class ModelWarmUpTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(100)]
    public void Model_that_takes_no_zeros_is_warmed_up_by_its_sample_request_alone_and_in_batches(int rows)
    {
        string[] words = [.. Enumerable.Range(0, rows).SelectMany(_ => (string[])["b", "y"])];

        Assert.Empty(WarmUp("sk-onehot-strict", SampleProofTests.Words(rows, words)));
        Assert.Contains(
            "could not be warmed up with 1 rows of zeros", Assert.Single(WarmUp("sk-onehot-strict", null)), StringComparison.Ordinal);
    }

    [Fact]
    public void Sample_request_that_fails_is_told_and_the_model_stays_open() => Assert.Contains(
        "1 rows of its sample request",
        Assert.Single(WarmUp("sk-onehot-strict", SampleProofTests.Words(1, "a", "z"))),
        StringComparison.Ordinal);

    [Fact]
    public void Optional_input_of_a_sample_request_runs_alone()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, Execution.TestModels.Shifted);

            Assert.Empty(WarmUpFile(path, [Requests.Floats("x", [1, 2], 1, 2), Requests.Floats("shift", [2], 5, 5)]));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task Model_that_never_ends_on_zeros_is_served_cold()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, OnnxModel.EndlessOnZeros);

            var log = await Task.Run(() => WarmUpFile(path, sample: null, TimeSpan.FromMilliseconds(200)), Cancellation)
                .WaitAsync(Wait.DefaultLimit, Cancellation);

            Assert.Contains("zeros; its first requests may be slower: it took longer than Worker:WarmUpTime (0.2 s)",
                Assert.Single(log), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static List<string> WarmUp(string name, Tensor[]? sample) => WarmUpFile(SmallModels.PathOf(name), sample);

    private static List<string> WarmUpFile(string path, Tensor[]? sample, TimeSpan? limit = null)
    {
        var log = new FakeLogger<ModelWarmUp>();
        using var session = ModelSession.Open(new ModelFile("m", "1", path), Execution.TestModels.Cpu);
        var options = Options.Create(new ModelCacheOptions { WarmUpTime = limit ?? Wait.DefaultLimit });
        new ModelWarmUp(options, TimeProvider.System, log).Run(session, largestBatch: 8, sample);
        return [.. log.Collector.GetSnapshot().Select(line => line.Message)];
    }
}
