using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class FiniteNumbersTests
{
    [Theory]
    [InlineData(Datatype.Fp32, new byte[] { 0, 0, 0xC0, 0x7F })]
    [InlineData(Datatype.Fp32, new byte[] { 0, 0, 0x80, 0xFF })]
    [InlineData(Datatype.Fp64, new byte[] { 1, 0, 0, 0, 0, 0, 0xF0, 0x7F })]
    [InlineData(Datatype.Fp64, new byte[] { 0, 0, 0, 0, 0, 0, 0xF0, 0xFF })]
    [InlineData(Datatype.Fp16, new byte[] { 0x01, 0x7C })]
    [InlineData(Datatype.Bf16, new byte[] { 0x80, 0xFF })]
    public void Number_that_is_not_finite_is_found_wherever_it_stands(Datatype datatype, byte[] number)
    {
        for (var length = 1; length <= 67; length++)
        {
            for (var at = 0; at < length; at++)
            {
                var data = new byte[length * number.Length];
                number.CopyTo(data, at * number.Length);

                Assert.Equal(at, FiniteNumbers.FirstNotFinite(new Tensor("x", datatype, [length], data)));
            }
        }
    }

    [Theory]
    [InlineData(Datatype.Fp32, 0x7F)]
    [InlineData(Datatype.Fp64, 0x7F)]
    [InlineData(Datatype.Fp16, 0x7B)]
    [InlineData(Datatype.Bf16, 0x7F)]
    public void Largest_finite_number_is_none(Datatype datatype, byte last)
    {
        var size = datatype.Size();
        var data = Enumerable.Range(0, 100 * size).Select(i => (i % size) == size - 1 ? last : (byte)0x6F).ToArray();

        Assert.Equal(-1, FiniteNumbers.FirstNotFinite(new Tensor("x", datatype, [100], data)));
    }

    [Theory]
    [InlineData(Datatype.Int32)]
    [InlineData(Datatype.Uint64)]
    [InlineData(Datatype.Bool)]
    [InlineData(Datatype.Bytes)]
    public void Other_datatypes_have_none(Datatype datatype) =>
        Assert.Equal(-1, FiniteNumbers.FirstNotFinite(new Tensor("x", datatype, [2], Enumerable.Repeat((byte)255, 16).ToArray())));
}
