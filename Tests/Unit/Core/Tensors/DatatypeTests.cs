using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit;

public sealed class DatatypeTests
{
    public static TheoryData<string, int> Names => new()
    {
        { "BOOL", 1 }, { "UINT8", 1 }, { "UINT16", 2 }, { "UINT32", 4 }, { "UINT64", 8 }, { "INT8", 1 }, { "INT16", 2 }, { "INT32", 4 },
        { "INT64", 8 }, { "FP16", 2 }, { "FP32", 4 }, { "FP64", 8 }, { "BF16", 2 }, { "BYTES", 0 },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void Name_of_the_protocol_and_size_belong_together(string name, int size)
    {
        Assert.True(Datatypes.TryParse(name, out var datatype));
        Assert.Equal(name, datatype.Name());
        Assert.Equal(size, datatype.Size());
    }

    [Theory]
    [InlineData("fp32")]
    [InlineData("FLOAT")]
    [InlineData("")]
    [InlineData(null)]
    public void Other_names_are_refused(string? name) => Assert.False(Datatypes.TryParse(name, out _));
}
