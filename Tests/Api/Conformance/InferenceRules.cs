using Grpc.Core;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

/// <summary>One table of requests, each of which must end alike in every form of either protocol.</summary>
[Collection(nameof(ProtocolModels))]
public sealed class InferenceRules(ProtocolModels models) : IDisposable
{
    private static readonly Dictionary<string, CallTensor> Echoed = new(StringComparer.Ordinal)
    {
        ["BOOL"] = CallTensor.Of("x", "BOOL", [3], true, false, true),
        ["UINT8"] = CallTensor.Of("x", "UINT8", [2], byte.MinValue, byte.MaxValue),
        ["UINT16"] = CallTensor.Of("x", "UINT16", [2], ushort.MinValue, ushort.MaxValue),
        ["UINT32"] = CallTensor.Of("x", "UINT32", [2], uint.MinValue, uint.MaxValue),
        ["UINT64"] = CallTensor.Of("x", "UINT64", [2], ulong.MinValue, ulong.MaxValue),
        ["INT8"] = CallTensor.Of("x", "INT8", [2], sbyte.MinValue, sbyte.MaxValue),
        ["INT16"] = CallTensor.Of("x", "INT16", [2], short.MinValue, short.MaxValue),
        ["INT32"] = CallTensor.Of("x", "INT32", [2], int.MinValue, int.MaxValue),
        ["INT64"] = CallTensor.Of("x", "INT64", [2], long.MinValue, long.MaxValue),
        ["FP16"] = CallTensor.Of("x", "FP16", [2], (Half)1.5, (Half)(-65504)),
        ["FP32"] = CallTensor.Of("x", "FP32", [3], float.MinValue, float.Epsilon, 0.1f),
        ["FP64"] = CallTensor.Of("x", "FP64", [3], double.MinValue, double.Epsilon, 0.1),
        ["BF16"] = CallTensor.Of("x", "BF16", [2], (ushort)0x3F80, (ushort)0xC2F7),
        ["BYTES"] = CallTensor.Text("x", [3], "a", "", "größer"),
    };

    private static readonly CallTensor X = CallTensor.Of("x", "FP32", [2, 2], 1f, 2f, 3f, 4.5f);
    private static readonly CallTensor S = CallTensor.Text("s", [2], "a", "b");

    // Who is refused: the request, as it would be accepted but for one thing; the status; what is said.
    private static readonly Dictionary<string, (Func<ProtocolModels, Call> Call, StatusCode Status, string Error)> Refused = new(
        StringComparer.Ordinal)
    {
        ["unknown model"] = (_ => new("nothing", X, S), StatusCode.NotFound, "there is no model 'nothing'"),
        ["unknown version"] = (m => new(m.Pair, X, S) { Version = "77" }, StatusCode.NotFound, "there is no version '77'"),
        ["unknown input"] =
            (m => new(m.Pair, X, S, X with { Name = "z" }), StatusCode.InvalidArgument, "'z' is not an input of this model"),
        ["missing input"] = (m => new(m.Pair, X), StatusCode.InvalidArgument, "'s' (BYTES [-1]) is missing"),
        ["input twice"] = (m => new(m.Pair, X, X, S), StatusCode.InvalidArgument, "'x' is given more than once"),
        ["other datatype"] = (m => new(m.Pair, CallTensor.Of("x", "INT32", [2, 2], 1, 2, 3, 4), S), StatusCode.InvalidArgument,
            "INT32 given, FP32 expected"),
        ["other shape"] = (m => new(m.Pair, X with { Shape = [4, 1] }, S), StatusCode.InvalidArgument, "[4,1] given, [-1,2] expected"),
        ["too few elements"] =
            (m => new(m.Pair, CallTensor.Of("x", "FP32", [2, 2], 1f, 2f, 3f), S), StatusCode.InvalidArgument, "but the shape says"),
        ["too many elements"] =
            (m => new(m.Of("INT8"), CallTensor.Of("x", "INT8", [1], (sbyte)1, (sbyte)2)), StatusCode.InvalidArgument, "inputs[0]."),
        ["too few texts"] =
            (m => new(m.Pair, X, S with { Shape = [3] }), StatusCode.InvalidArgument, "2 elements given, but the shape says 3"),
        ["negative extent"] = (m => new(m.Pair, X with { Shape = [-2, -2] }, S), StatusCode.InvalidArgument, "shape: whole numbers from 0"),
        ["too many elements in the shape"] =
            (m => new(m.Pair, X with { Shape = [16_000_000, 2] }, S), StatusCode.InvalidArgument, "16777216"),
        ["too many dimensions"] =
            (m => new(m.Pair, X with { Shape = [.. Enumerable.Repeat(1L, 17)] }, S), StatusCode.InvalidArgument, "more than 16 dimensions"),
        ["too many inputs"] = (m => new(m.Pair, [.. Enumerable.Repeat(X, 257)]), StatusCode.InvalidArgument, "inputs: more than 256 given"),
        ["long id"] =
            (m => new(m.Pair, X, S) { Id = new('i', 257) }, StatusCode.InvalidArgument, "id: 257 characters given, at most 256 allowed"),
        ["long name"] =
            (m => new(m.Pair, X with { Name = new('n', 257) }, S), StatusCode.InvalidArgument, "257 characters given, at most 256"),
        ["unknown output"] =
            (m => new(m.Pair, X, S) { Outputs = [("z", 0)] }, StatusCode.InvalidArgument, "'z' is not an output of this model"),
        ["output twice"] =
            (m => new(m.Pair, X, S) { Outputs = [("y", 0), ("y", 0)] }, StatusCode.InvalidArgument, "'y' is asked for more than once"),
        ["negative timeout"] =
            (m => new(m.Pair, X, S) { Parameters = [("timeout", -1)] }, StatusCode.InvalidArgument, "parameters.timeout: a whole number"),
        ["negative priority"] =
            (m => new(m.Pair, X, S) { Parameters = [("priority", -1)] }, StatusCode.InvalidArgument, "parameters.priority: a whole number"),
        ["sequence"] = (m => new(m.Pair, X, S) { Parameters = [("sequence_id", 7)] }, StatusCode.InvalidArgument,
            "the extension 'sequence' is not supported"),
        ["classes of a request"] = (m => new(m.Pair, X, S) { Parameters = [("classification", 3)] }, StatusCode.InvalidArgument,
            "parameters.classification: it is a parameter of an output"),
        ["shared memory"] = (
            m => new(m.Pair, X, S) { InputParameters = [("shared_memory_region", "r")] }, StatusCode.InvalidArgument,
            "inputs[0].parameters.shared_memory_region: the extension 'shared_memory' is not supported"),
        ["classes of texts"] =
            (m => new(m.Pair, X, S) { Outputs = [("t", 1)] }, StatusCode.InvalidArgument, "'t' is BYTES, which has no classes"),
        ["too many classes"] =
            (m => new(m.Pair, X, S) { Outputs = [("y", 10_001)] }, StatusCode.InvalidArgument, "a whole number of classes up to 10000"),
    };

    private readonly GrpcCalls _grpc = new(models.Platform);

    public static MatrixTheoryData<string, ProtocolForm> Datatypes => new([.. Echoed.Keys], Enum.GetValues<ProtocolForm>());

    public static MatrixTheoryData<string, ProtocolForm> Refusals => new([.. Refused.Keys], Enum.GetValues<ProtocolForm>());

    public void Dispose() => _grpc.Dispose();

    [Theory]
    [MemberData(nameof(Datatypes))]
    public async Task Tensor_of_every_datatype_comes_back_as_it_was(string datatype, ProtocolForm form)
    {
        Assert.SkipWhen(datatype is "FP16" or "BF16" && form is ProtocolForm.Json or ProtocolForm.Typed, "It has no form but raw bytes.");
        var input = Echoed[datatype];

        var answer = await InferAsync(new(models.Of(datatype), input) { Id = "one" }, form);

        Assert.Null(answer.Error);
        Assert.Equal((models.Of(datatype), "1", "one"), (answer.Model, answer.Version, answer.Id));
        AssertOutput(input with { Name = "y" }, Assert.Single(answer.Outputs));
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Request_that_is_wrong_is_refused_with_the_reason(string what, ProtocolForm form)
    {
        var (call, status, error) = Refused[what];

        var answer = await InferAsync(call(models), form);

        Assert.Contains(error, answer.Error, StringComparison.Ordinal);
        Assert.Equal(form == ProtocolForm.Stream ? StatusCode.Unknown : status, answer.Refusal);
    }

    [Theory]
    [InlineData(ProtocolForm.Json)]
    [InlineData(ProtocolForm.Binary)]
    [InlineData(ProtocolForm.Typed)]
    [InlineData(ProtocolForm.Raw)]
    [InlineData(ProtocolForm.Stream)]
    public async Task Outputs_are_those_that_were_asked_for_as_they_were_asked_for(ProtocolForm form)
    {
        var all = await InferAsync(new(models.Pair, X, S) { Version = "1" }, form);
        var one = await InferAsync(new(models.Pair, X, S) { Outputs = [("t", 0)] }, form);
        var classes = await InferAsync(new(models.Pair, X, S) { Outputs = [("y", 5), ("t", 0)], Parameters = [("priority", 1)] }, form);

        Assert.Equal(["y", "t"], all.Outputs.Select(o => o.Name));
        AssertOutput(S with { Name = "t" }, Assert.Single(one.Outputs));

        // Of y each row is 1, 2 and 3, 4.5: the pair's rows are its batch, so each has the classes 0 and 1.
        AssertOutput(CallTensor.Text("y", [2, 2], "2:1", "1:0", "4.5:1", "3:0"), classes.Outputs[0]);
        AssertOutput(S with { Name = "t" }, classes.Outputs[1]);
    }

    [Theory]
    [InlineData(ProtocolForm.Json)]
    [InlineData(ProtocolForm.Binary)]
    [InlineData(ProtocolForm.Typed)]
    [InlineData(ProtocolForm.Raw)]
    [InlineData(ProtocolForm.Stream)]
    public async Task Bytes_that_come_as_base64_and_say_so_are_the_bytes_themselves(ProtocolForm form)
    {
        var input = CallTensor.Text("x", [3], "YQ==", "", "Z3LDtsOfZXI=");

        var answer = await InferAsync(new(models.Of("BYTES"), input) { InputParameters = [("content_type", "base64")] }, form);
        var wrong = await InferAsync(
            new(models.Of("BYTES"), CallTensor.Text("x", [1], "größer")) { InputParameters = [("content_type", "base64")] }, form);

        Assert.Null(answer.Error);
        AssertOutput(CallTensor.Text("y", [3], "a", "", "größer"), Assert.Single(answer.Outputs));
        Assert.Contains(
            "inputs[0].data: element 0 is not base64, as the parameter content_type says", wrong.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Classes_have_the_names_that_the_version_has()
    {
        var name = $"{models.Pair}-classes";
        await models.UploadAsync(name, new OnnxModel()
            .Input("x", OnnxModel.Float, -1, 3).Output("y", OnnxModel.Float, -1, 3).Node("Softmax", ["x"], ["y"])
            .Property("labels", "cat\ndog\nbird").ToBytes());
        var call = new Call(name, CallTensor.Of("x", "FP32", [2, 3], 0f, 100f, 0f, 0f, 0f, 100f)) { Outputs = [("y", 1)] };
        var expected = CallTensor.Text("y", [2, 1], "1:1:dog", "1:2:bird");

        AssertOutput(expected, Assert.Single((await InferAsync(call, ProtocolForm.Json)).Outputs));
        AssertOutput(expected, Assert.Single((await InferAsync(call, ProtocolForm.Raw)).Outputs));
        var json = """
            {"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[100,0,0]}],"outputs":[{"name":"y","parameters":{"classification":1}}]}
            """;
        var answer = await models.InferAsync(name, json).OkAsync();
        Assert.Equal("""{"name":"y","datatype":"BYTES","shape":[1,1],"data":["1:0:cat"]}""", answer.Output("y").GetRawText());
        await models.InferAsync(name, json, ("Prefer", "respond-async"))
            .RefusedAsync(System.Net.HttpStatusCode.BadRequest, "leave classification out");
        using var deleted = await models.Client.DeleteAsync($"/v1/models/{name}", ProtocolModels.Cancellation);
    }

    private static void AssertOutput(CallTensor expected, CallTensor given)
    {
        Assert.Equal((expected.Name, expected.Datatype), (given.Name, given.Datatype));
        Assert.Equal(expected.Shape, given.Shape);
        Assert.Equal(expected.Data, given.Data);
    }

    private Task<CallAnswer> InferAsync(Call call, ProtocolForm form) => form switch
    {
        ProtocolForm.Json or ProtocolForm.Binary => RestCalls.InferAsync(models, call, form == ProtocolForm.Binary),
        ProtocolForm.Stream => _grpc.StreamAsync(call),
        _ => _grpc.InferAsync(call, form == ProtocolForm.Typed),
    };
}
