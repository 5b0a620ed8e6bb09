using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

/// <summary>
/// gRPC of Python (Debian's python3-grpcio), on the C core that most of Triton's and KServe's clients share. It has no file of the protocol:
/// services and messages are what reflection tells it.
/// </summary>
[Collection(nameof(ProtocolModels))]
public sealed class PythonGrpcTests(ProtocolModels models)
{
    private const string Python = "/usr/bin/python3";

    [Fact]
    public async Task Client_of_python_learns_the_protocol_by_reflection_and_gets_answers_streams_and_errors()
    {
        Assert.SkipUnless(
            File.Exists(Python) && (await ForeignClient.RunAsync(Python, "-c", "import google.protobuf, grpc")).Exit == 0,
            "Needs gRPC for Python: 'apt-get install python3-grpcio python3-protobuf', which ./test does where it may.");
        var script = Path.Combine(Repository.Root, "Tests", "Api", "Conformance", "python-grpc-client.py");

        var got = await ForeignClient.RunAsync(Python, script, new
        {
            address = GrpcCalls.AddressOf(models.Platform).Authority,
            key = Platform.AdminKey,
            model = models.Of("FP32"),
            seconds = 60,
        });

        var services = got.GetProperty("services").Deserialize<string[]>()!;
        Assert.Contains("inference.GRPCInferenceService", services);
        Assert.Contains("grpc.health.v1.Health", services);
        Assert.Equal(5, got.GetProperty("unknown_symbol").GetInt32()); // NOT_FOUND
        Assert.True(got.GetProperty("ready").GetBoolean());
        var input = Assert.Single(got.GetProperty("metadata").GetProperty("inputs").EnumerateArray());
        Assert.Equal(("x", "FP32"), (input.GetProperty("name").GetString(), input.GetProperty("datatype").GetString()));
        Assert.Equal([0.25f, 8f], got.GetProperty("typed").Deserialize<float[]>()!);
        Assert.Equal("NOT_FOUND", Refused("unknown", "nothing"));
        Assert.Equal("INVALID_ARGUMENT", Refused("wrong", "raw_input_contents"));
        Assert.Equal("UNAUTHENTICATED", Refused("stranger", "the API key is unknown"));
        var stream = got.GetProperty("stream");
        Assert.Equal([5f], stream.GetProperty("one").Deserialize<float[]>()!);
        Assert.Contains("nothing", stream.GetProperty("two").GetString(), StringComparison.Ordinal);
        Assert.Equal([7f], stream.GetProperty("three").Deserialize<float[]>()!);

        string? Refused(string name, string reason)
        {
            var refusal = got.GetProperty(name);
            Assert.Contains(reason, refusal.GetProperty("details").GetString(), StringComparison.Ordinal);
            return refusal.GetProperty("refused").GetString();
        }
    }
}
