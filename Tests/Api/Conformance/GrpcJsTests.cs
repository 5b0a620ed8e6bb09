using System.Text.Json;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

/// <summary>Node's own gRPC client (npm @grpc/grpc-js), which reads the protocol's file when it runs.</summary>
[Collection(nameof(ProtocolModels))]
public sealed class GrpcJsTests(ProtocolModels models)
{
    private static readonly string Folder = Path.Combine(Repository.Root, "Tests", "Api");

    [Fact]
    public async Task Client_of_node_gets_answers_streams_and_errors_unchanged()
    {
        Assert.SkipUnless(
            Directory.Exists(Path.Combine(Folder, "node_modules", "@grpc", "grpc-js")),
            "Needs gRPC for Node: 'npm install --prefix Tests/Api --no-save @grpc/grpc-js@1.14.7', which ./test does where npm is.");
        using var queue = await ModelQueue.OpenAsync(models.Platform);
        await queue.RegisterAsync();
        var tenant = await TestTenant.CreateAsync(models.Platform, "\"requests_per_minute\":1,\"burst\":1");

        var got = await ForeignClient.RunAsync("node", Path.Combine(Folder, "Conformance", "grpc-js-client.js"), new
        {
            address = GrpcCalls.AddressOf(models.Platform).Authority,
            proto = Path.Combine(Repository.Root, "Api", "Grpc", "open_inference.proto"),
            key = Platform.AdminKey,
            limited_key = await tenant.KeyAsync(),
            model = models.Of("FP32"),
            waiting = queue.Model,
            longest_microseconds = (long)ModelQueue.LongestTimeout.TotalMicroseconds,
        });

        Assert.True(got.GetProperty("ready").GetProperty("ready").GetBoolean());
        var input = Assert.Single(got.GetProperty("metadata").GetProperty("inputs").EnumerateArray());
        Assert.Equal(("x", "FP32"), (input.GetProperty("name").GetString(), input.GetProperty("datatype").GetString()));
        Assert.Equal([1.5f, -2f], Numbers("raw"));
        Assert.Equal([0.25f, 8f], Numbers("typed"));
        Assert.Equal([3f], Numbers("first"));
        Assert.Equal("NOT_FOUND", Refused("unknown", "nothing"));
        Assert.Equal("INVALID_ARGUMENT", Refused("wrong", "raw_input_contents"));
        Assert.Equal("UNAUTHENTICATED", Refused("stranger", "the API key is unknown"));
        Assert.Equal("RESOURCE_EXHAUSTED", Refused("limited", "may send 1 requests a minute"));
        Assert.Matches("^[0-9]+$", got.GetProperty("limited").GetProperty("retry_after").GetString());
        Assert.Equal("DEADLINE_EXCEEDED", Refused("deadline", ""));
        Assert.Equal("CANCELLED", Refused("cancelled", ""));
        var stream = got.GetProperty("stream");
        Assert.Equal([5f], stream.GetProperty("one").Deserialize<float[]>()!);
        Assert.Contains("nothing", stream.GetProperty("two").GetString(), StringComparison.Ordinal);
        Assert.Equal([7f], stream.GetProperty("three").Deserialize<float[]>()!);

        // Who has no more time, or has left, has no place any more.
        await queue.EmptiesBeforeDeadlinesAsync();

        float[] Numbers(string name) => got.GetProperty(name).Deserialize<float[]>()!;

        string? Refused(string name, string reason)
        {
            var refusal = got.GetProperty(name);
            Assert.Contains(reason, refusal.GetProperty("details").GetString(), StringComparison.Ordinal);
            return refusal.GetProperty("refused").GetString();
        }
    }
}
