using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Worker.Inspection;

/// <summary>Which models may have requests of different callers in one run, in ONNX Runtime.</summary>
public sealed class BatchProverTests
{
    [Theory]
    [InlineData("blur-hwc", "is another alone than beside others")]
    [InlineData("center", "is another alone than beside others")]
    [InlineData("cumsum", "is another alone than beside others")]
    [InlineData("softmax0", "is another alone than beside others")]
    [InlineData("tfirst", "has the shape [8,1] for 1 rows")]
    [InlineData("compress", "Compress")]
    [InlineData("nonzero", "")]
    [InlineData("unique", "Unique")]
    [InlineData("rand", "RandomNormalLike")]
    [InlineData("sk-onehot-strict", "did not run")]
    [InlineData("sk-onehot", "the same for every made-up input")]
    [InlineData("mean0", "first dimension")]
    [InlineData("out1", "first dimension")]
    [InlineData("sum-all", "first dimension")]
    [InlineData("flat1", "first dimension")]
    [InlineData("scalar", "first dimension")]
    [InlineData("static", "first dimension")]
    [InlineData("unranked", "first dimension")]
    [InlineData("sk-lr-fixed1", "first dimension")]
    public void Model_whose_rows_meet_or_that_cannot_be_tried_is_not_proven(string name, string reason)
    {
        var proof = SmallModels.Prove(SmallModels.PathOf(name));

        Assert.False(proof.Independent);
        Assert.Contains(reason, proof.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("agree")]
    [InlineData("conv3")]
    [InlineData("div")]
    [InlineData("dup-out")]
    [InlineData("fp16add")]
    [InlineData("gather")]
    [InlineData("heads")]
    [InlineData("id-bf16")]
    [InlineData("id-bool")]
    [InlineData("id-fp16")]
    [InlineData("id-fp32")]
    [InlineData("id-fp64")]
    [InlineData("id-int16")]
    [InlineData("id-int32")]
    [InlineData("id-int64")]
    [InlineData("id-int8")]
    [InlineData("id-str")]
    [InlineData("id-uint16")]
    [InlineData("id-uint32")]
    [InlineData("id-uint64")]
    [InlineData("id-uint8")]
    [InlineData("idiv")]
    [InlineData("in20")]
    [InlineData("log-int")]
    [InlineData("opt-init")]
    [InlineData("out20")]
    [InlineData("pool32")]
    [InlineData("simple")]
    [InlineData("simple_identity")]
    [InlineData("sk-tfidf-nolower")]
    [InlineData("str2float")]
    [InlineData("topk5")]
    public void Model_whose_rows_are_independent_is_proven(string name) => Assert.Null(SmallModels.Prove(SmallModels.PathOf(name)).Reason);

    [Theory]
    [InlineData("digits/1")]
    [InlineData("digits/2")]
    [InlineData("digits/3")]
    [InlineData("delivery-time/1")]
    public void Sample_model_is_proven(string model) =>
        Assert.Null(SmallModels.Prove(Path.Combine(Repository.Root, "models", model, "model.onnx")).Reason);

    [Fact]
    public void Rows_that_are_turned_around_are_not_independent() =>
        NotProven(Rows().Integers("start", [-1], 1).Integers("end", [long.MinValue], 1).Integers("axis", [0], 1)
            .Node("Slice", ["x", "start", "end", "axis", "start"], ["y"]));

    [Fact]
    public void First_row_that_is_given_to_all_is_not_independent() =>
        NotProven(Rows().Integers("first", [0], 1).Node("Gather", ["x", "first"], ["row"]).Node("Add", ["x", "row"], ["y"]));

    [Fact]
    public void Rows_compared_with_each_other_are_not_independent() => NotProven(
        new OnnxModel().Input("x", OnnxModel.Float, -1, 3).Output("y", OnnxModel.Float, -1, -1)
            .Node("Transpose", ["x"], ["turned"]).Node("MatMul", ["x", "turned"], ["y"]));

    [Fact]
    public void Numbers_scaled_by_the_largest_of_the_batch_are_not_independent() => NotProven(
        Rows().Node("Abs", ["x"], ["size"]).Node("ReduceMax", ["size"], ["largest"], ("keepdims", 1)).Node("Div", ["x", "largest"], ["y"]));

    [Fact]
    public void Output_that_counts_the_rows_is_not_independent() => NotProven(
        Rows().Node("Shape", ["x"], ["shape"], ("end", 1)).Node("Cast", ["shape"], ["rows"], ("to", OnnxModel.Float))
            .Node("Mul", ["x", "rows"], ["y"]));

    [Fact]
    public void What_only_numbers_that_are_none_carry_over_is_not_independent() =>

        // A sum over all rows, nothing of which is left for numbers that are finite.
        NotProven(Rows().Constant("none", [0f], 1).Node("ReduceSum", ["x"], ["sum"], ("keepdims", 1))
            .Node("Mul", ["sum", "none"], ["nothing"]).Node("Add", ["x", "nothing"], ["y"]));

    [Fact]
    public void Second_output_that_sums_up_the_batch_is_found_beside_one_that_does_not() => NotProven(
        new OnnxModel().Input("x", OnnxModel.Float, -1, 3).Output("y", OnnxModel.Float, -1, 3).Output("share", OnnxModel.Float, -1, 3)
            .Node("Identity", ["x"], ["y"])
            .Node("Softmax", ["x"], ["share"], ("axis", 0)));

    [Fact]
    public void Inner_extents_that_depend_on_values_are_not_independent()
    {
        // As many columns as the largest number says.
        var model = new OnnxModel().Input("x", OnnxModel.Int64, -1, 1).Output("y", OnnxModel.Int64, -1, -1)
            .Node("ReduceMax", ["x"], ["most"], ("keepdims", 0))
            .Integers("shape", [1], 1).Node("Reshape", ["most", "shape"], ["columns"])
            .Integers("one", [1], 1).Node("Concat", ["one", "columns"], ["repeats"], ("axis", 0))
            .Node("Tile", ["x", "repeats"], ["y"]);

        NotProven(model);
    }

    [Fact]
    public void Proof_that_runs_out_of_time_is_none()
    {
        var proof = SmallModels.Prove(SmallModels.PathOf("id-fp32"), spent: () => 1);

        Assert.False(proof.Independent);
        Assert.Contains("Inspection:Timeout", proof.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Slow_model_is_proven_by_what_has_to_be_tried()
    {
        // Each look at the clock takes a hundredth of the time: the essentials of a model with one input are some forty runs.
        var looks = 0;
        var proof = SmallModels.Prove(SmallModels.PathOf("id-fp32"), spent: () => looks++ / 100.0);

        Assert.Null(proof.Reason);
        Assert.InRange(looks, 100, 110);
    }

    [Theory]
    [InlineData("cumsum")]
    [InlineData("blur-hwc")]
    public void Slow_model_whose_rows_meet_is_found_by_what_has_to_be_tried(string name)
    {
        var looks = 0;

        Assert.Contains(
            "is another alone than beside others",
            SmallModels.Prove(SmallModels.PathOf(name), spent: () => looks++ / 100.0).Reason,
            StringComparison.Ordinal);
    }

    private static OnnxModel Rows() => new OnnxModel().Input("x", OnnxModel.Float, -1, 3).Output("y", OnnxModel.Float, -1, 3);

    private static void NotProven(OnnxModel model)
    {
        var proof = SmallModels.Prove(model.ToBytes());

        Assert.False(proof.Independent);
        Assert.DoesNotContain("did not run", proof.Reason, StringComparison.Ordinal);
    }
}
