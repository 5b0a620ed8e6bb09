using InferenceTemplate.Api.Models;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit;

public sealed class SignatureValidatorTests
{
    private static readonly ModelSignature Signature = new(
        [new("ids", Datatype.Int64, [-1, -1]), new("mask", Datatype.Bool, [-1, 4])],
        [new("score", Datatype.Fp32, [-1])]);

    [Fact]
    public void Request_that_fits_passes() =>
        Assert.Null(SignatureValidator.Validate(Signature, [Ids(2, 9), Mask(2, 4)], ["score"], batched: true));

    [Theory]
    [InlineData(new long[0])]
    [InlineData(new long[] { 2, 3, 4 })]
    public void Input_of_any_rank_takes_every_shape(long[] shape)
    {
        var signature = new ModelSignature([new("x", Datatype.Bool, [], IsUnranked: true)], []);

        Assert.Null(SignatureValidator.Validate(
            signature, [new("x", Datatype.Bool, shape, new byte[TensorShape.ElementCount(shape)])], [], batched: false));
        Assert.Equal("inputs: 'x' (BOOL of any shape) is missing", SignatureValidator.Validate(signature, [], [], batched: false));
    }

    [Fact]
    public void Missing_input_is_named() => Refused("'mask' (BOOL [-1,4]) is missing", [Ids(2, 9)]);

    [Fact]
    public void Unknown_input_is_named() => Refused("'extra' is not an input", [Ids(2, 9), Mask(2, 4), Mask(2, 4) with { Name = "extra" }]);

    [Fact]
    public void Input_given_twice_is_named() => Refused("'ids' is given more than once", [Ids(2, 9), Ids(2, 9), Mask(2, 4)]);

    [Fact]
    public void Optional_input_may_be_given_and_is_no_row_of_the_batch()
    {
        var optional = Signature with { OptionalInputs = [new("scale", Datatype.Fp32, [])] };
        Tensor Scale(params long[] shape) => new("scale", Datatype.Fp32, shape, new byte[4 * TensorShape.ElementCount(shape)]);

        Assert.Null(SignatureValidator.Validate(optional, [Ids(2, 9), Mask(2, 4)], [], batched: true));
        Assert.Null(SignatureValidator.Validate(optional, [Scale(), Ids(2, 9), Mask(2, 4)], [], batched: true));
        Assert.Contains(
            "inputs['scale'].shape: [3] given, [] expected",
            SignatureValidator.Validate(optional, [Scale(3), Ids(2, 9), Mask(2, 4)], [], batched: true), StringComparison.Ordinal);
        Assert.Contains(
            "'scale' is given more than once",
            SignatureValidator.Validate(optional, [Scale(), Scale(), Ids(2, 9), Mask(2, 4)], [], batched: true), StringComparison.Ordinal);
        Assert.Equal(2, optional.RowsOf([Scale(), Ids(2, 9), Mask(2, 4)]));
    }

    [Fact]
    public void Wrong_datatype_is_named() =>
        Refused("FP32 given, INT64 expected", [Ids(2, 9) with { Datatype = Datatype.Fp32 }, Mask(2, 4)]);

    [Theory]
    [InlineData(new long[] { 2, 5 })]
    [InlineData(new long[] { 2 })]
    [InlineData(new long[] { 2, 4, 1 })]
    public void Wrong_shape_is_named(long[] shape) => Refused("[-1,4] expected", [Ids(2, 9), Mask(shape)]);

    [Fact]
    public void Inputs_that_disagree_on_the_batch_are_named() => Refused("a batch of 3 given, but 'ids' has 2", [Ids(2, 9), Mask(3, 4)]);

    [Fact]
    public void First_dimension_counts_no_batch_where_each_request_runs_alone() =>
        Assert.Null(SignatureValidator.Validate(Signature, [Ids(2, 9), Mask(3, 4)], [], batched: false));

    [Fact]
    public void Empty_batch_is_refused() => Refused("at least 1", [Ids(0, 9), Mask(0, 4)]);

    [Fact]
    public void Unknown_output_is_named() => Assert.Contains(
        "'mood' is not an output of this model; it has 'score'",
        SignatureValidator.Validate(Signature, [Ids(2, 9), Mask(2, 4)], ["mood"], batched: true),
        StringComparison.Ordinal);

    [Fact]
    public void Model_that_fixes_its_first_dimension_is_not_batchable()
    {
        Assert.True(Signature.IsBatchable);
        Assert.False((Signature with { Outputs = [new("score", Datatype.Fp32, [1])] }).IsBatchable);
        Assert.False((Signature with { Outputs = [new("score", Datatype.Fp32, [])] }).IsBatchable);
    }

    [Fact]
    public void Tensor_without_elements_must_be_one_that_the_model_has_run_on()
    {
        var untried = new ModelSignature(
            [
                new("a", Datatype.Fp32, [TensorShape.Variable, TensorShape.Variable]), new("b", Datatype.Fp32, [2, TensorShape.Variable]),
                new("none", Datatype.Fp32, [0]),
            ],
            []);
        var tried = untried with { EmptyTried = [[new("a", 1)], [new("a", 1), new("b", 1)]] };

        Assert.Null(Refusal(untried, Of("a", 1, 1), Of("b", 2, 1)));
        Assert.Null(Refusal(tried, Of("a", 1, 0), Of("b", 2, 1)));
        Assert.Null(Refusal(tried, Of("b", 2, 0), Of("a", 1, 0)));
        Assert.Equal(
            "inputs['a'].shape: dimension 0 is 0, and the model did not run on that when it was inspected: give at least 1, or its version "
            + "a sample request like this one",
            Refusal(tried, Of("a", 0, 1), Of("b", 2, 1)));
        Assert.StartsWith(
            "inputs['b'].shape: dimension 1 is 0, and", Refusal(tried, Of("a", 1, 1), Of("b", 2, 0)), StringComparison.Ordinal);
        Assert.StartsWith(
            "inputs['a'].shape: dimension 0 is 0 (with 1 other dimensions), and",
            Refusal(tried, Of("a", 0, 0), Of("b", 2, 1)),
            StringComparison.Ordinal);
        Assert.Equal(
            "inputs['a'].shape: dimension 1 is 0, and it has yet to be tried whether the model can run on that: send it again in a minute",
            Refusal(untried, Of("a", 1, 0), Of("b", 2, 1)));
        Assert.Null(SignatureValidator.Validate(
            untried, [Of("a", 1, 0), Of("b", 2, 1), Of("none", 0)], [], batched: false, tried: false));

        static Tensor Of(string name, params long[] shape) => new(name, Datatype.Fp32, shape, default);
        static string? Refusal(ModelSignature signature, params Tensor[] inputs) =>
            SignatureValidator.Validate(signature, [.. inputs, Of("none", 0)], [], batched: false);
    }

    private static void Refused(string reason, Tensor[] inputs) =>
        Assert.Contains(reason, SignatureValidator.Validate(Signature, inputs, [], batched: true), StringComparison.Ordinal);

    private static Tensor Ids(params long[] shape) => new("ids", Datatype.Int64, shape, default);

    private static Tensor Mask(params long[] shape) => new("mask", Datatype.Bool, shape, default);
}
