using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Tensors;
using InferenceTemplate.Worker.Batching;

namespace InferenceTemplate.Tests.Worker;

public sealed class BatchPlanTests
{
    private static readonly ModelSignature Batchable = Signature(-1, 2);

    [Fact]
    public void Requests_of_one_shape_share_a_run()
    {
        var runs = BatchPlan.Split(Batchable, [Request("a", 1, 2), Request("b", 3, 2)], maxRows: 8);

        Assert.Equal(["a", "b"], Assert.Single(runs).Select(r => r.EntryId));
    }

    [Fact]
    public void Run_ends_before_it_would_exceed_the_maximum()
    {
        var runs = BatchPlan.Split(Batchable, [Request("a", 3, 2), Request("b", 2, 2), Request("c", 2, 2)], maxRows: 4).ToList();

        Assert.Equal([["a"], ["b", "c"]], runs.Select(r => r.Select(q => q.EntryId)));
    }

    [Fact]
    public void Request_larger_than_the_maximum_runs_alone()
    {
        var runs = BatchPlan.Split(Batchable, [Request("a", 1, 2), Request("b", 100, 2), Request("c", 1, 2)], maxRows: 4).ToList();

        Assert.Equal([["a"], ["b"], ["c"]], runs.Select(r => r.Select(q => q.EntryId)));
    }

    [Fact]
    public void Requests_of_different_shapes_never_share_a_run()
    {
        var ragged = new ModelSignature([new("x", Datatype.Fp32, [-1, -1])], [new("y", Datatype.Fp32, [-1])]);

        var runs = BatchPlan.Split(ragged, [Request("a", 1, 2), Request("b", 1, 3), Request("c", 1, 2)], maxRows: 8).ToList();

        Assert.Equal([["a", "c"], ["b"]], runs.Select(r => r.Select(q => q.EntryId)));
    }

    [Fact]
    public void Requests_run_alone_when_the_model_fixes_its_first_dimension()
    {
        var runs = BatchPlan.Split(Signature(1, 2), [Request("a", 1, 2), Request("b", 1, 2)], maxRows: 8).ToList();

        Assert.Equal([["a"], ["b"]], runs.Select(r => r.Select(q => q.EntryId)));
    }

    private static ModelSignature Signature(params long[] shape) =>
        new([new TensorSignature("x", Datatype.Fp32, shape)], [new TensorSignature("y", Datatype.Fp32, shape)]);

    private static QueuedRequest Request(string id, params long[] shape)
    {
        var now = DateTimeOffset.UnixEpoch;
        var input = new Tensor("x", Datatype.Fp32, shape, new byte[TensorShape.ElementCount(shape) * 4]);
        return new QueuedRequest(id, new InferenceRequest(Guid.NewGuid(), "m", "1", "default", RequestKind.Call, Priority.Normal, "api", now, now, null, null, [], [input]));
    }
}
