using System.Collections.Concurrent;
using System.Diagnostics;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Batching;
using InferenceTemplate.Tests.Worker.Direct;
using InferenceTemplate.Tests.Worker.Execution;
using InferenceTemplate.Worker;

namespace InferenceTemplate.Tests.Worker.Pipelines;

/// <summary>Pipelines in a worker's server: one request each, one run of the steps for many.</summary>
public sealed class ServedPipelineTests(Servers servers)
{
    // Fails beyond nine, in its second step.
    private const string Pipeline = """
        {
          "inputs": ["index"],
          "steps": [
            {"name": "same", "model": "a", "version": "1", "inputs": {"x": "index"}},
            {"name": "look", "model": "b", "version": "1", "inputs": {"index": "same.y"}}
          ],
          "outputs": {"value": "look.value"}
        }
        """;

    private static byte[] Same => new OnnxModel()
        .Input("x", OnnxModel.Int64, -1).Output("y", OnnxModel.Int64, -1).Node("Identity", ["x"], ["y"]).ToBytes();

    [Theory]
    [InlineData(Way.Queue)]
    [InlineData(Way.Direct)]
    public async Task Requests_share_the_runs_of_all_steps_and_one_that_fails_is_told_the_step(Way way)
    {
        await using var served = await ServeAsync(way);
        var good = new List<(long Index, Task<InferenceReply> Reply)>();
        for (var i = 0; i < 16; i++)
        {
            good.Add((i % 10, (await served.SendAsync(ServedModel.Index(i % 10))).Reply));
        }

        var poison = (await served.SendAsync(ServedModel.Index(3, 77))).Reply;
        _ = served.Serve();

        foreach (var (index, reply) in good)
        {
            Assert.Equal([10f * index], ServedModel.Floats(await reply));
        }

        var failed = await poison;
        Assert.Equal(ReplyOutcome.Failed, failed.Outcome);
        Assert.StartsWith("the model failed on this input: step 'look': operator Gather: ", failed.Error, StringComparison.Ordinal);
        Assert.Contains(served.Batches, rows => rows > 1);
    }

    [Fact]
    public async Task Trace_has_a_span_for_each_step_of_each_request()
    {
        var spans = new ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = spans.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        await using var served = await ServeAsync(Way.Queue);
        var replies = new List<Task<InferenceReply>>();
        for (var i = 0; i < 3; i++)
        {
            replies.Add((await served.SendAsync(ServedModel.Index(i))).Reply);
        }

        _ = served.Serve();
        await Task.WhenAll(replies);

        await Wait.UntilAsync(() => spans.Count(s => s.OperationName == $"infer {served.Name}") == 3);
        Assert.All(spans.Where(s => s.OperationName == $"infer {served.Name}"), request =>
        {
            var steps = spans.Where(s => s.TraceId == request.TraceId && s.ParentSpanId == request.SpanId)
                .Where(s => s.OperationName.StartsWith("step ", StringComparison.Ordinal)).ToList();
            Assert.Equal(["step same", "step look"], steps.Select(s => s.OperationName));
            Assert.Equal(
                [("a", "1"), ("b", "1")],
                steps.Select(s => ((string)s.GetTagItem("inference.model.name")!, (string)s.GetTagItem("inference.model.version")!)));
        });
    }

    private Task<ServedModel> ServeAsync(Way way) => ServedModel.CreateAsync(
        servers,
        TestPipeline.Open(Pipeline, $"m{Guid.NewGuid():N}", [TestModels.Open(Same), TestModels.Open(TestModels.Lookup)]),
        way: way);
}
