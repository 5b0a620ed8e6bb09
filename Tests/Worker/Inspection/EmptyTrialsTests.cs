using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using InferenceTemplate.Tests.Worker.Execution;
using InferenceTemplate.Worker;
using InferenceTemplate.Worker.Inspection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>On which tensors without elements a model may be run: the process that tries one may die of it.</summary>
public sealed class EmptyTrialsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // As a decoder's that keeps what it has read: at its first call there is nothing of it yet.
    private static byte[] Cached => new OnnxModel()
        .Input("ids", OnnxModel.Float, -1, 2, 3, 4)
        .Input("key", OnnxModel.Float, -1, 2, -1, 4).Input("value", OnnxModel.Float, -1, 2, -1, 4)
        .Output("y", OnnxModel.Float, -1, 2, -1, 4)
        .Node("Concat", ["key", "ids"], ["keys"], ("axis", 2))
        .Node("Concat", ["value", "ids"], ["values"], ("axis", 2))
        .Node("Add", ["keys", "values"], ["y"])
        .ToBytes();

    [Fact]
    public async Task Dimension_that_ends_the_process_is_found_and_the_others_are_tried_all_the_same()
    {
        var report = await InspectAsync(OnnxModel.DiesOfEmptyLines);

        Assert.Null(report.Reason);
        Assert.True(report.Model!.Batching!.Independent);
        var tried = report.Model.Signature.EmptyTried!.Select(Told).ToList();
        Assert.Contains("x 1", tried);
        Assert.DoesNotContain("x 2", tried);
    }

    [Fact]
    public async Task Dimensions_that_belong_together_are_empty_together()
    {
        var report = await InspectAsync(Cached);

        var signature = report.Model!.Signature;
        Assert.Contains("key 2, value 2", signature.EmptyTried!.Select(Told));
        using var session = TestModels.Open(Cached);
        using var instance = session.CreateInstance();
        Tensor[] first = Call(keys: 0, values: 0);
        Assert.Null(EmptyExtents.Refusal(signature, first));
        using var outputs = instance.Run([first]);
        Assert.Equal([1, 2, 3, 4], outputs[0].GetTensorTypeAndShape().Shape);
    }

    [Fact]
    public void Shapes_of_a_sample_request_that_has_run_are_among_what_was_tried()
    {
        using var session = TestModels.Open(Cached);
        var trials = new EmptyTrials(session, Call(keys: 0, values: 3), () => 0);

        Assert.Equal("key 2", Told([.. trials.OfSample()]));
        Assert.Equal("key 2, value 2", Told([.. trials.Try([new("value", 2)])!]));
    }

    [Fact]
    public void Nothing_is_tried_when_the_time_is_over()
    {
        using var session = TestModels.Open(Cached);

        Assert.Null(new EmptyTrials(session, sample: null, () => 1).Try([new("key", 2), new("value", 2)]));
    }

    [Fact]
    public void Lines_that_are_cut_off_or_of_a_library_count_for_nothing()
    {
        var read = InspectionOutput.Read("a library says {this}\n0\n[{\"Input\":\"x\",\"Dimension\":1}]\n1\n[{\"Input\":\"x\",\"Dim");

        Assert.Null(read.Report);
        Assert.Equal(1, read.LastTried);
        Assert.Equal("x 1", Told(Assert.Single(read.HaveRun)));
    }

    [Theory]
    [InlineData("started\n", true)]
    [InlineData("0\n", false)]
    [InlineData("start", false)]
    public void Process_that_has_not_started_has_told_nothing_of_the_model(string output, bool started) =>
        Assert.Equal(started, InspectionOutput.Read(output).HasStarted);

    private static Tensor[] Call(int keys, int values) =>
    [
        Requests.Floats("ids", [1, 2, 3, 4], new float[24]),
        Requests.Floats("key", [1, 2, keys, 4], new float[8 * keys]),
        Requests.Floats("value", [1, 2, values, 4], new float[8 * values]),
    ];

    private static string Told(EmptyExtent[] empty) => string.Join(", ", empty.Select(e => $"{e.Input} {e.Dimension}"));

    internal static async Task<InspectionReport> InspectAsync(byte[] model)
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, model, Cancellation);
            var inspector = new ModelInspector(
                Options.Create(new InspectionOptions()), Options.Create(new SignatureLimits()), Options.Create(new WorkerOptions()),
                TimeProvider.System);
            return await inspector.InspectAsync(path, samplePath: null, Cancellation);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
