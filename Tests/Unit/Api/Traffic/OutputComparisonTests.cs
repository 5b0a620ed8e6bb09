using System.Runtime.InteropServices;
using InferenceTemplate.Api.Traffic;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit;

public sealed class OutputComparisonTests
{
    [Theory]
    [InlineData(0.25, 0.25f, true)]
    [InlineData(0.25, 0.2505f, true)]
    [InlineData(0.25, 0.252f, false)]
    [InlineData(0.25, float.NaN, false)]
    public void Floats_agree_within_the_tolerance(double expected, float actual, bool agreed)
    {
        var agreement = OutputComparison.Compare([Floats((float)expected, 1)], [Floats(actual, 1)], 0.001);

        Assert.Equal(agreed, agreement.Agreed);
        Assert.Equal(float.IsNaN(actual) ? double.PositiveInfinity : Math.Abs(actual - expected), agreement.MaxDifference!.Value, 1e-9);
    }

    [Fact]
    public void Values_that_are_no_numbers_agree_with_their_like() => Assert.Equal(
        new OutputAgreement(true, 0),
        OutputComparison.Compare(
            [Floats(float.NaN, float.PositiveInfinity)], [Floats(float.NaN, float.PositiveInfinity)], 0));

    [Fact]
    public void Halves_are_compared_as_numbers()
    {
        var a = new Tensor("p", Datatype.Fp16, [1], MemoryMarshal.AsBytes<Half>([(Half)1.0]).ToArray());
        var b = new Tensor("p", Datatype.Fp16, [1], MemoryMarshal.AsBytes<Half>([(Half)1.5]).ToArray());
        var c = new Tensor("p", Datatype.Bf16, [1], MemoryMarshal.AsBytes<ushort>([0x3F80]).ToArray());
        var d = new Tensor("p", Datatype.Bf16, [1], MemoryMarshal.AsBytes<ushort>([0x4000]).ToArray());

        Assert.Equal(new OutputAgreement(false, 0.5), OutputComparison.Compare([a], [b], 0.4));
        Assert.Equal(new OutputAgreement(true, 1), OutputComparison.Compare([c], [d], 1));
    }

    [Fact]
    public void Labels_agree_only_when_equal()
    {
        Assert.Equal(new OutputAgreement(true, null), OutputComparison.Compare([Labels(3, 4)], [Labels(3, 4)], 10));
        Assert.Equal(new OutputAgreement(false, null), OutputComparison.Compare([Labels(3, 4)], [Labels(3, 5)], 10));
    }

    [Fact]
    public void Output_that_is_missing_or_of_another_shape_or_type_differs()
    {
        Assert.False(OutputComparison.Compare([Labels(1)], [], 1).Agreed);
        Assert.True(OutputComparison.Compare([Labels(1)], [Labels(1), Floats(1)], 1).Agreed);
        Assert.False(OutputComparison.Compare([Labels(1)], [Labels(1) with { Shape = [1, 1] }], 1).Agreed);
        Assert.False(OutputComparison.Compare([Labels(1)], [Labels(1) with { Datatype = Datatype.Uint64 }], 1).Agreed);
    }

    [Fact]
    public void One_output_that_differs_is_a_difference_of_all()
    {
        var agreement = OutputComparison.Compare([Labels(1), Floats(0.5f)], [Labels(2), Floats(0.5f)], 0.1);

        Assert.Equal(new OutputAgreement(false, 0), agreement);
    }

    private static Tensor Floats(params float[] values) =>
        new("probabilities", Datatype.Fp32, [values.Length], MemoryMarshal.AsBytes<float>(values).ToArray());

    private static Tensor Labels(params long[] values) =>
        new("label", Datatype.Int64, [values.Length], MemoryMarshal.AsBytes<long>(values).ToArray());
}
