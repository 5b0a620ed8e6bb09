using System.Net;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.EndToEnd;

/// <summary>A platform that serves models which misbehave, and waits long enough for requests to share a batch.</summary>
[CollectionDefinition]
public class MisbehavingPlatform : Platform, ICollectionFixture<MisbehavingPlatform>
{
    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        var worker = builder.Resources.OfType<ProjectResource>().Single(p => p.Name == "worker");
        builder.CreateResourceBuilder(worker)
            .WithEnvironment("Worker__ModelsDirectory", Path.Combine(AppContext.BaseDirectory, "Models"))
            .WithEnvironment("Worker__MaxBatchDelay", "00:00:00.250");
    }
}

/// <summary>The same, where all calls go through Redis.</summary>
public sealed class MisbehavingQueuePlatform : MisbehavingPlatform
{
    protected override void Configure(IDistributedApplicationTestingBuilder builder)
    {
        base.Configure(builder);
        QueuePlatform.Apply(builder);
    }
}

[Collection<MisbehavingPlatform>]
public sealed class PoisonTests(MisbehavingPlatform platform)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Request_that_the_model_fails_on_takes_no_other_of_its_batch_with_it()
    {
        using var client = platform.Admin();

        var calls = Enumerable.Range(0, 12).Select(i => InferAsync(client, "lookup", "index", "INT64", i)).ToList();
        var answers = await Task.WhenAll(calls);

        for (var i = 0; i < answers.Length; i++)
        {
            var (status, body) = answers[i];
            if (i < 10)
            {
                Assert.Equal(HttpStatusCode.OK, status);
                Assert.Equal(10 * i, body.GetProperty("outputs")[0].GetProperty("data")[0].GetDouble());
            }
            else
            {
                Assert.Equal(HttpStatusCode.BadRequest, status);
                Assert.StartsWith("the model failed on this input", body.GetProperty("error").GetString(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Requests_share_a_run_when_they_come_together()
    {
        using var client = platform.Admin();

        // Each runs alone until it is proven that they may share a run, which a busy machine may take a while for.
        await Wait.UntilAsync(async () =>
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => InferAsync(client, "lookup", "index", "INT64", i)));
            Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
            return answers.Max(a => a.Body.GetProperty("parameters").GetProperty("batch_size").GetInt32()) > 1;
        });
    }

    [Fact]
    public async Task Model_whose_outputs_cannot_be_cut_apart_answers_each_request_by_itself()
    {
        using var client = platform.Admin();

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => InferAsync(client, "total", "x", "FP32", i)));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal([0, 1, 2, 3], answers.Select(a => a.Body.GetProperty("outputs")[0].GetProperty("data")[0].GetDouble()));
    }

    [Fact]
    public async Task File_that_is_no_model_keeps_no_other_from_being_served()
    {
        using var client = platform.Admin();
        using var worker = platform.Anonymous("worker");

        using var broken = await client.GetAsync("/v2/models/broken", Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, broken.StatusCode);
        Assert.Equal("Degraded", await worker.GetStringAsync("/health", Cancellation));
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> InferAsync(
        HttpClient client, string model, string input, string datatype, int value)
    {
        using var response = await client.PostAsync(
            $"/v2/models/{model}/infer",
            Digits.Json($$"""{"inputs":[{"name":"{{input}}","shape":[1],"datatype":"{{datatype}}","data":[{{value}}]}]}"""),
            Cancellation);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return (response.StatusCode, body.RootElement.Clone());
    }
}
