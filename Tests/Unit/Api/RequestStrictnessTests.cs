using System.Buffers;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class RequestStrictnessTests
{
    private const string X = """{"name":"x","datatype":"FP32","shape":[1],"data":[1]}""";

    [Theory]
    [InlineData("""{"id":"a","id":"b","inputs":[X]}""", "id: given more than once")]
    [InlineData("""{"inputs":[X],"inputs":[X]}""", "inputs: given more than once")]
    [InlineData("""{"inputs":[X],"i\u006eputs":[X]}""", "inputs: given more than once")]
    [InlineData("""{"mine":1,"mine":2,"inputs":[X]}""", "mine: given more than once")]
    [InlineData("""{"mine":[{"a":{"b":1,"b":2}}],"inputs":[X]}""", "b: given more than once")]
    [InlineData("""{"parameters":{"timeout":1,"timeout":2},"inputs":[X]}""", "parameters.timeout: given more than once")]
    [InlineData(
        """{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1],"data":[2]}]}""", "inputs[0].data: given more than once")]
    [InlineData(
        """{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"shape":[1],"data":[1]}]}""", "inputs[0].shape: given more than once")]
    [InlineData("""{"inputs":[X],"outputs":[{"name":"y","parameters":{"a":1,"a":1}}]}""", "outputs[0].parameters.a: given more than once")]
    [InlineData("""{"parameters":{"sequence_id":7},"inputs":[X]}""", "parameters.sequence_id: the extension 'sequence' is not supported")]
    [InlineData("""{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"shared_memory_region":"r"}}]}""",
        "inputs[0].parameters.shared_memory_region: the extension 'shared_memory' is not supported")]
    [InlineData("""{"inputs":[X],"outputs":[{"name":"y","parameters":{"classification":10001}}]}""",
        "outputs[0].parameters.classification: a whole number of classes up to 10000 expected")]
    [InlineData("""{"inputs":[X],"outputs":[{"name":"y","parameters":{"classification":-1}}]}""",
        "outputs[0].parameters.classification: a whole number of classes up to 10000 expected")]
    [InlineData("""{"inputs":[X],"outputs":[{"name":"y","parameters":{"classification":"3"}}]}""",
        "outputs[0].parameters.classification: a whole number of classes up to 10000 expected")]
    [InlineData("""{"parameters":{"classification":3},"inputs":[X]}""", "parameters.classification: it is a parameter of an output")]
    [InlineData("""{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"parameters":{"classification":3}}]}""",
        "inputs[0].parameters.classification: it is a parameter of an output")]
    [InlineData("""{"parameters":{"content_type":"base64"},"inputs":[X]}""",
        "parameters.content_type: base64 is only for an input; outputs of any bytes come as binary tensors (binary_data)")]
    [InlineData("""{"inputs":[X],"outputs":[{"name":"y","parameters":{"content_type":"base64"}}]}""",
        "outputs[0].parameters.content_type: base64 is only for an input; outputs of any bytes come as binary tensors (binary_data)")]
    [InlineData("""{"inputs":[{"parameters":{"content_type":"base64"},"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}""",
        "inputs[0].parameters.content_type: base64 is only for BYTES; the datatype is FP32")]
    [InlineData("""{"inputs":[{"name":"x","datatype":"BYTES","shape":[2],"data":["aGk=","hi!"],"parameters":{"content_type":"base64"}}]}""",
        "inputs[0].data: element 1 is not base64, as the parameter content_type says")]
    public void Ambiguous_or_unsupported_request_is_refused(string body, string expected)
    {
        var exception = Assert.Throws<InvalidInferBodyException>(() => Read(body));

        Assert.Equal(expected, exception.Message);
    }

    [Theory]
    [InlineData("""{"id":null,"parameters":null,"outputs":null,"inputs":[X]}""")]
    [InlineData(
        """{"parameters":{"timeout":null,"priority":null,"binary_data_output":null,"sequence_id":null,"sequence_start":false},"inputs":[X]}""")]
    [InlineData("""{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1],"parameters":{"binary_data_size":null}}]}""")]
    [InlineData(
        """{"inputs":[X],"outputs":[{"name":"y","parameters":{"binary_data":null,"classification":null}},{"name":"z","parameters":null}]}""")]
    [InlineData("""{"mine":{"a":1},"other":{"a":1},"inputs":[X]}""")]
    public void Null_member_is_absent(string body)
    {
        var read = Read(body);

        Assert.Null(read.Id);
        Assert.Null(read.Timeout);
        Assert.Equal(Priority.Normal, read.Priority);
        Assert.False(read.Forms.IsBinary("y"));
        Assert.Equal(1f, BitConverter.ToSingle(read.Inputs[0].Data.Span));
    }

    [Theory]
    [InlineData("base64", "hi", "", "\0ÿ")]
    [InlineData("str", "aGk=", "", "AMO/")]
    [InlineData("np", "aGk=", "", "AMO/")]
    public void Bytes_of_content_type_base64_are_decoded_and_others_stay(string type, params string[] expected)
    {
        var read = Read($$$"""
            {"parameters":{"content_type":"np"},
             "inputs":[{"name":"x","parameters":{"content_type":"{{{type}}}"},"datatype":"BYTES","shape":[3],"data":["aGk=","","AMO/"]}],
             "outputs":[{"name":"y","parameters":{"content_type":"str"}}]}
            """);

        Assert.Equal(
            expected.SelectMany(e => BitConverter.GetBytes(Encoding.UTF8.GetByteCount(e)).Concat(Encoding.UTF8.GetBytes(e))),
            read.Inputs[0].Data.ToArray());
    }

    [Fact]
    public void Null_data_beside_raw_data_is_absent()
    {
        var json = """{"inputs":[{"name":"x","datatype":"UINT8","shape":[2],"data":null,"parameters":{"binary_data_size":2}}]}"""u8;

        Assert.Equal(new byte[] { 7, 9 }, InferBodyReader.Read(json, [7, 9]).Inputs[0].Data.ToArray());
    }

    [Fact]
    public void Byte_order_mark_is_passed_over() => Assert.Equal("x", Read("\uFEFF" + """{"inputs":[X]}""").Inputs[0].Name);

    [Theory]
    [InlineData("[2,3]", "[1,2,3,4,5,6]", true)]
    [InlineData("[2,3]", "[[1,2,3],[4,5,6]]", true)]
    [InlineData("[2,3]", " [ [1 , 2,3 ] ,[4,5,6]]", true)]
    [InlineData("[2,3]", "[[1,2],[3,4],[5,6]]", false)]
    [InlineData("[2,3]", "[[1,2,3,4,5,6]]", false)]
    [InlineData("[2,3]", "[[1,2,3],4,5,6]", false)]
    [InlineData("[2,3]", "[1,2,3,[4,5,6]]", false)]
    [InlineData("[2,3]", "[[[1,2,3],[4,5,6]]]", false)]
    [InlineData("[6]", "[[1,2,3,4,5,6]]", false)]
    [InlineData("[]", "[1]", true)]
    [InlineData("[]", "[[1]]", false)]
    [InlineData("[2,0]", "[]", true)]
    [InlineData("[2,0]", "[[],[]]", true)]
    [InlineData("[2,0]", "[[]]", false)]
    [InlineData("[1,2,3]", "[[[1,2,3],[4,5,6]]]", true)]
    public void Nesting_is_the_shapes_or_none(string shape, string data, bool fits)
    {
        string[] requests =
        [
            $$"""{"inputs":[{"name":"x","datatype":"FP32","shape":{{shape}},"data":{{data}}}]}""",
            $$"""{"inputs":[{"data":{{data}},"name":"x","datatype":"INT64","shape":{{shape}}}]}""",
            $$"""{"inputs":[{"name":"x","datatype":"BYTES","shape":{{shape}},"data":{{Quoted(data)}}}]}""",
        ];
        foreach (var request in requests)
        {
            var exception = Record.Exception(() => Read(request));

            Assert.Equal(fits, exception is null);
            Assert.True(fits || (exception is InvalidInferBodyException && exception.Message.Contains("nested", StringComparison.Ordinal)),
                exception?.Message);
        }
    }

    [Theory]
    [InlineData(float.NaN, true)]
    [InlineData(float.NegativeInfinity, true)]
    [InlineData(float.MaxValue, false)]
    public void Answer_says_that_it_has_null_for_what_is_not_finite(float value, bool expected)
    {
        var reply = Reply(new Tensor("y", Datatype.Fp32, [1], BitConverter.GetBytes(value)));
        using var json = Write(reply, OutputForms.Json);
        using var binary = Write(reply, OutputForms.Binary);

        Assert.Equal(expected, json.RootElement.GetProperty("parameters").TryGetProperty("nonfinite", out var said) && said.GetBoolean());
        Assert.Equal(expected, json.RootElement.GetProperty("outputs")[0].GetProperty("data")[0].ValueKind == JsonValueKind.Null);
        Assert.False(binary.RootElement.GetProperty("parameters").TryGetProperty("nonfinite", out _));
    }

    [Fact]
    public void Bytes_that_are_no_text_are_answered_as_binary_data_only()
    {
        var reply = Reply(new Tensor("t", Datatype.Bytes, [2], new byte[] { 1, 0, 0, 0, (byte)'a', 2, 0, 0, 0, 0xC3, 0x28 }));
        var text = Reply(new Tensor("t", Datatype.Bytes, [1], new byte[] { 2, 0, 0, 0, 0xC3, 0xA9 }));

        Assert.Contains(
            "'t' has bytes that are not UTF-8 text", InferResponseWriter.Refusal(reply, OutputForms.Json), StringComparison.Ordinal);
        Assert.Contains("binary", InferResponseWriter.Refusal(reply), StringComparison.Ordinal);
        Assert.Null(InferResponseWriter.Refusal(reply, OutputForms.Binary));
        Assert.Null(InferResponseWriter.Refusal(text, OutputForms.Json));
    }

    // Each number as a text that has brackets, commas and quotes in it.
    private static string Quoted(string data) =>
        string.Concat(data.Select(c => char.IsAsciiDigit(c) ? $$"""
            "[{{c}},\"]"
            """ : c.ToString()));

    private static InferenceReply Reply(Tensor output) =>
        new(Guid.NewGuid(), ReplyOutcome.Completed, null, TimeSpan.Zero, TimeSpan.Zero, 1, "w", [output]);

    private static JsonDocument Write(InferenceReply reply, OutputForms forms)
    {
        var target = new ArrayBufferWriter<byte>();
        InferResponseWriter.Write(target, "m", "1", null, reply, new AnswerParameters(default, default, 1, 0, "USD", null), forms);
        return JsonDocument.Parse(target.WrittenMemory);
    }

    private static InferBody Read(string body) =>
        InferBodyReader.Read(Encoding.UTF8.GetBytes(body.Replace("X", X, StringComparison.Ordinal)));
}
