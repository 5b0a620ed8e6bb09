using System.Text;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit.Api;

/// <summary>A BOOL is a byte, of which operators take all 256 values and mean two.</summary>
public sealed class BoolBytesTests
{
    private static readonly ModelSignature Signature = new([new("x", Datatype.Bool, [-1, 3])], []);

    public enum Way
    {
        BehindJson,
        Alone,
        Grpc,
    }

    [Theory]
    [InlineData(Way.BehindJson, "inputs[0]")]
    [InlineData(Way.Alone, "the body")]
    [InlineData(Way.Grpc, "inputs[0]")]
    public void Byte_that_is_neither_is_refused_whichever_way_it_comes(Way way, string where)
    {
        Assert.Equal([0, 1, 1], Read(way, [0, 1, 1]));
        foreach (byte wrong in (byte[])[2, 0x80, 0xFF])
        {
            var refused = Assert.Throws<InvalidInferBodyException>(() => Read(way, [0, 1, wrong]));

            Assert.Equal($"{where}: element 2 is the byte {wrong}; a BOOL is 0 or 1", refused.Message);
        }
    }

    private static byte[] Read(Way way, byte[] data)
    {
        const string Json = """{"inputs":[{"name":"x","datatype":"BOOL","shape":[1,3],"parameters":{"binary_data_size":3}}]}""";
        if (way == Way.Grpc)
        {
            // As its messages are read, of which the generated types are the client's here too.
            BinaryTensors.Check(data, Datatype.Bool, count: 3, index: 0, "raw_input_contents");
            return data;
        }

        var body = way == Way.Alone
            ? InferRequest.Read(data, "0", Signature, new())
            : InferRequest.Read([.. Encoding.UTF8.GetBytes(Json), .. data], $"{Json.Length}", Signature, new());
        return Assert.Single(body.Inputs).Data.ToArray();
    }
}
