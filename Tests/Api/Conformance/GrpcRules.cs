using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using InferenceTemplate.Api.Grpc.Protocol;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Api.Conformance;

/// <summary>What gRPC has of its own: who may call, deadlines, streams, and how models are described in messages.</summary>
[Collection(nameof(ProtocolModels))]
public sealed class GrpcRules(ProtocolModels models) : IDisposable
{
    private static readonly CallTensor X = CallTensor.Of("x", "FP32", [1], 2.5f);

    private readonly GrpcCalls _grpc = new(models.Platform);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _grpc.Dispose();

    [Fact]
    public async Task Server_tells_of_itself_what_it_tells_by_rest()
    {
        using var anonymous = new GrpcCalls(models.Platform, key: null);
        var rest = await models.GetAsync("/v2");

        var metadata = await _grpc.Client.ServerMetadataAsync(new(), _grpc.Headers, cancellationToken: Cancellation);

        Assert.True((await anonymous.Client.ServerLiveAsync(new(), cancellationToken: Cancellation)).Live);
        Assert.True((await anonymous.Client.ServerReadyAsync(new(), cancellationToken: Cancellation)).Ready);
        Assert.Equal((rest.GetProperty("name").GetString(), rest.GetProperty("version").GetString()), (metadata.Name, metadata.Version));
        Assert.Equal(rest.GetProperty("extensions").EnumerateArray().Select(e => e.GetString()), metadata.Extensions);
        Assert.Contains("classification", metadata.Extensions);
    }

    [Theory]
    [InlineData("")]
    [InlineData("inference.GRPCInferenceService")]
    public async Task Health_is_that_of_gRPCs_own_protocol(string service)
    {
        var health = await new Health.HealthClient(_grpc.Channel).CheckAsync(new() { Service = service }, cancellationToken: Cancellation);

        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, health.Status);
    }

    [Fact]
    public async Task Services_are_found_by_reflection()
    {
        using var call = new ServerReflection.ServerReflectionClient(
            _grpc.Channel).ServerReflectionInfo(_grpc.Headers, cancellationToken: Cancellation);
        await call.RequestStream.WriteAsync(new() { ListServices = "" }, Cancellation);
        await call.RequestStream.CompleteAsync();

        Assert.True(await call.ResponseStream.MoveNext(Cancellation));
        Assert.Contains("inference.GRPCInferenceService", call.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name));
    }

    [Theory]
    [InlineData(null, "credentials are missing")]
    [InlineData("nobody_secret", "the API key is unknown")]
    public async Task Without_a_key_that_is_known_is_unauthenticated(string? key, string reason)
    {
        using var stranger = new GrpcCalls(models.Platform, key);

        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await stranger.Client.ServerMetadataAsync(new(), stranger.Headers, cancellationToken: Cancellation));

        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
        Assert.Contains(reason, refused.Status.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Key_may_come_as_x_api_key()
    {
        var metadata = await _grpc.Client.ServerMetadataAsync(
            new(), new Metadata { { "x-api-key", Platform.AdminKey } }, cancellationToken: Cancellation);

        Assert.NotEmpty(metadata.Name);
    }

    [Fact]
    public async Task Key_without_the_role_is_denied()
    {
        await using var keys = await TestKeys.OpenAsync(models.Platform);
        using var service = new GrpcCalls(models.Platform, await keys.CreateAsync("service"));

        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await service.Client.RepositoryModelUnloadAsync(
                new() { ModelName = models.Pair }, service.Headers, cancellationToken: Cancellation));

        Assert.Equal(StatusCode.PermissionDenied, refused.StatusCode);
        Assert.Equal(
            "2.5", Assert.Single((await service.InferAsync(new(models.Of("FP32"), X), typed: true)).Outputs).Elements.Single().ToString());
    }

    [Fact]
    public async Task Model_that_a_key_may_not_use_does_not_exist()
    {
        using var admin = models.Platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("user", models: [models.Of("FP32")]);
        using var narrow = new GrpcCalls(models.Platform, key);

        var allowed = await narrow.InferAsync(new(models.Of("FP32"), X), typed: false);
        var hidden = await narrow.InferAsync(new(models.Pair, X), typed: false);
        var unknown = await narrow.InferAsync(new("nothing", X), typed: false);
        var metadata = await Assert.ThrowsAsync<RpcException>(async () =>
            await narrow.Client.ModelMetadataAsync(new() { Name = models.Pair }, narrow.Headers, cancellationToken: Cancellation));
        var statistics = await narrow.Client.ModelStatisticsAsync(new(), narrow.Headers, cancellationToken: Cancellation);

        Assert.Null(allowed.Error);
        Assert.Equal((StatusCode.NotFound, unknown.Error!.Replace("nothing", models.Pair, StringComparison.Ordinal)),
            (hidden.Refusal, hidden.Error));
        Assert.Equal((StatusCode.NotFound, hidden.Error), (metadata.StatusCode, metadata.Status.Detail));
        var ready = await narrow.Client.ModelReadyAsync(new() { Name = models.Pair }, narrow.Headers, cancellationToken: Cancellation);
        Assert.False(ready.Ready);
        Assert.Equal([models.Of("FP32")], statistics.ModelStats.Select(s => s.Name));
    }

    [Fact]
    public async Task Model_is_described_as_by_rest()
    {
        var metadata = await _grpc.Client.ModelMetadataAsync(new() { Name = models.Pair }, _grpc.Headers, cancellationToken: Cancellation);
        var ready = await _grpc.Client.ModelReadyAsync(
            new() { Name = models.Pair, Version = "1" }, _grpc.Headers, cancellationToken: Cancellation);
        var config =
            (await _grpc.Client.ModelConfigAsync(new() { Name = "digits" }, _grpc.Headers, cancellationToken: Cancellation)).Config;
        var rest = await models.GetAsync("/v2/models/digits/config");

        Assert.True(ready.Ready);
        Assert.Equal((models.Pair, "1"), (metadata.Name, Assert.Single(metadata.Versions)));
        Assert.Equal(["x FP32 -1,2", "s BYTES -1"], metadata.Inputs.Select(i => $"{i.Name} {i.Datatype} {string.Join(',', i.Shape)}"));
        Assert.Equal(["y FP32 -1,2", "t BYTES -1"], metadata.Outputs.Select(i => $"{i.Name} {i.Datatype} {string.Join(',', i.Shape)}"));
        Assert.Contains("batching_reason", metadata.Properties.Keys);
        Assert.Equal(("digits", rest.GetProperty("max_batch_size").GetInt32()), (config.Name, config.MaxBatchSize));
        Assert.Equal((DataType.TypeFp32, "8,8"), (Assert.Single(config.Input).DataType, string.Join(',', config.Input[0].Dims)));
        Assert.Equal(3ul, config.DynamicBatching.PriorityLevels);
        Assert.Equal(ModelInstanceGroup.Types.Kind.Cpu, Assert.Single(config.InstanceGroup).Kind);
    }

    [Theory]
    [InlineData("nothing", "")]
    [InlineData("digits", "99")]
    [InlineData("digits", "no-alias")]
    public async Task Model_that_is_not_there_is_not_ready_which_is_no_error(string model, string version)
    {
        var ready = await _grpc.Client.ModelReadyAsync(
            new() { Name = model, Version = version }, _grpc.Headers, cancellationToken: Cancellation);

        Assert.False(ready.Ready);
    }

    [Fact]
    public async Task Configuration_tells_which_inputs_may_be_left_out()
    {
        var config =
            (await _grpc.Client.ModelConfigAsync(new() { Name = models.Shifted }, _grpc.Headers, cancellationToken: Cancellation)).Config;

        Assert.Equal([("x", false), ("shift", true)], config.Input.Select(i => (i.Name, i.Optional)));
    }

    [Fact]
    public async Task Statistics_count_what_came_by_gRPC()
    {
        var model = models.Of("UINT16");
        await Task.WhenAll(Enumerable.Range(0, 3).Select(async _ =>
            Assert.Null((await _grpc.InferAsync(new(model, CallTensor.Of("x", "UINT16", [1], (ushort)7)), typed: true)).Error)));

        await Wait.UntilAsync(async () =>
            (await _grpc.Client.ModelStatisticsAsync(new() { Name = model }, _grpc.Headers, cancellationToken: Cancellation))
                .ModelStats.Single() is { InferenceStats.Success.Count: >= 3, InferenceCount: >= 3, Version: "1" });
    }

    [Fact]
    public async Task Repository_tells_loads_and_unloads()
    {
        var (name, file) = ($"{models.Pair}-repository", ProtocolModels.Identity(OnnxModel.Float));
        await models.UploadAsync(name, file);

        await _grpc.Client.RepositoryModelUnloadAsync(new() { ModelName = name }, _grpc.Headers, cancellationToken: Cancellation);
        await Wait.UntilAsync(async () =>
            (await _grpc.Client.RepositoryIndexAsync(new(), _grpc.Headers, cancellationToken: Cancellation)).Models
                .Where(m => m.Name == name).Select(m => (m.State, m.Reason)).SingleOrDefault() == ("UNAVAILABLE", "unloaded"));
        await _grpc.Client.RepositoryModelLoadAsync(new() { ModelName = name }, _grpc.Headers, cancellationToken: Cancellation);
        var config = new RepositoryModelLoadRequest { ModelName = name, Parameters = { ["config"] = new() { StringParam = "{}" } } };
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await _grpc.Client.RepositoryModelLoadAsync(config, _grpc.Headers, cancellationToken: Cancellation));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        await Wait.UntilAsync(async () =>
            (await _grpc.Client.RepositoryIndexAsync(new() { Ready = true }, _grpc.Headers, cancellationToken: Cancellation)).Models.Any(
                m => m.Name == name));
        using var deleted = await models.Client.DeleteAsync($"/v1/models/{name}", Cancellation);
    }

    [Fact]
    public async Task Response_says_what_it_cost()
    {
        var message = GrpcCalls.Message(new(models.Of("FP32"), X), typed: false);
        using var call = _grpc.Client.ModelInferAsync(message, _grpc.Headers, cancellationToken: Cancellation);

        var response = await call;
        var headers = await call.ResponseHeadersAsync;

        Assert.True(response.Parameters["batch_size"].Int64Param >= 1);
        Assert.True(response.Parameters["compute_us"].Int64Param > 0);
        Assert.Equal("USD", response.Parameters["currency"].StringParam);
        Assert.DoesNotContain("triton_final_response", response.Parameters.Keys); // of streams
        Assert.Contains("compute;dur=", headers.GetValue("server-timing"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tenant_over_its_limit_is_told_when_to_come_again()
    {
        var tenant = await TestTenant.CreateAsync(models.Platform, "\"requests_per_minute\":1,\"burst\":1");
        using var calls = new GrpcCalls(models.Platform, await tenant.KeyAsync());
        var message = GrpcCalls.Message(new(models.Of("FP32"), X), typed: false);

        await calls.Client.ModelInferAsync(message, calls.Headers, cancellationToken: Cancellation);
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await calls.Client.ModelInferAsync(message, calls.Headers, cancellationToken: Cancellation));

        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
        Assert.Contains("may send 1 requests a minute", refused.Status.Detail, StringComparison.Ordinal);
        Assert.InRange(int.Parse(refused.Trailers.GetValue("retry-after")!, System.Globalization.CultureInfo.InvariantCulture), 1, 60);
    }

    [Fact]
    public async Task Deadline_of_the_call_is_that_of_the_request()
    {
        using var queue = await ModelQueue.OpenAsync(models.Platform);
        await queue.RegisterAsync();

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await _grpc.Client.ModelInferAsync(
            GrpcCalls.Message(Digit(queue), typed: false), _grpc.Headers, DateTime.UtcNow.AddSeconds(1), Cancellation));

        Assert.Equal(StatusCode.DeadlineExceeded, refused.StatusCode);
        await queue.EmptiesBeforeDeadlinesAsync();
    }

    [Fact]
    public async Task Caller_that_leaves_takes_its_request_out_of_the_queue()
    {
        using var queue = await ModelQueue.OpenAsync(models.Platform);
        await queue.RegisterAsync();
        using var leaves = new CancellationTokenSource();
        var call = _grpc.Client.ModelInferAsync(
            GrpcCalls.Message(Digit(queue), typed: false), _grpc.Headers, DateTime.UtcNow + ModelQueue.LongestTimeout, leaves.Token)
            .ResponseAsync;
        await Wait.UntilAsync(async () => call.IsCompleted || (await queue.StatsAsync()).Depth == 1);
        Assert.False(call.IsCompleted, call.Exception?.Message);

        await leaves.CancelAsync();

        Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);
        await queue.EmptiesBeforeDeadlinesAsync();
    }

    [Fact]
    public async Task Stream_answers_as_answers_come_and_goes_on_after_an_error()
    {
        using var queue = await ModelQueue.OpenAsync(models.Platform);
        await queue.RegisterAsync();
        using var stream = _grpc.Client.ModelStreamInfer(_grpc.Headers, cancellationToken: Cancellation);

        // The first has nobody to run it until the others have passed it.
        var longest = (long)ModelQueue.LongestTimeout.TotalMicroseconds;
        await stream.RequestStream.WriteAsync(
            GrpcCalls.Message(Digit(queue) with { Id = "slow", Parameters = [("timeout", longest)] }, typed: false), Cancellation);
        for (var i = 0; i < 100; i++)
        {
            var value = CallTensor.Of("x", "FP32", [1], (float)i);
            var call = new Call(models.Of("FP32"), i % 10 == 9 ? value with { Name = "z" } : value) { Id = $"{i}" };
            await stream.RequestStream.WriteAsync(GrpcCalls.Message(call, typed: false), Cancellation);
        }

        var answers = new List<ModelStreamInferResponse>();
        while (answers.Count < 100 && await stream.ResponseStream.MoveNext(Cancellation))
        {
            answers.Add(stream.ResponseStream.Current);
        }

        await stream.RequestStream.CompleteAsync();
        IReadOnlyList<QueuedRequest> taken = [];
        await Wait.UntilAsync(async () => (taken = await queue.Worker.ReadAsync(1)).Count == 1);
        var replies = new Replies();
        replies.Refuse(taken[0].Request, ReplyOutcome.Failed, "refused at last", TimeProvider.System.GetUtcNow(), "test");
        await queue.Worker.CompleteAsync(taken, replies);
        answers.AddRange(await stream.ResponseStream.ReadAllAsync(Cancellation).ToListAsync(Cancellation));

        Assert.Equal(101, answers.Count);
        Assert.Contains(
            "refused at last", answers.Single(a => a.InferResponse.Id == "slow").ErrorMessage, StringComparison.Ordinal);
        Assert.Equal("slow", answers[^1].InferResponse.Id);
        foreach (var answer in answers.SkipLast(1))
        {
            var number = int.Parse(answer.InferResponse.Id, System.Globalization.CultureInfo.InvariantCulture);
            if (number % 10 == 9)
            {
                Assert.Contains("'z' is not an input", answer.ErrorMessage, StringComparison.Ordinal);
            }
            else
            {
                Assert.Equal((float)number, Assert.Single(Assert.Single(GrpcCalls.Answer(answer.InferResponse).Outputs).Elements));
            }
        }
    }

    [Fact]
    public async Task Stream_answers_requests_without_an_id_in_their_order()
    {
        using var queue = await ModelQueue.OpenAsync(models.Platform);
        await queue.RegisterAsync();
        using var stream = _grpc.Client.ModelStreamInfer(_grpc.Headers, cancellationToken: Cancellation);

        // The first has nobody to run it until all others are answered, of which the last but one has an id and comes before it.
        var slow = GrpcCalls.Message(
            Digit(queue) with { Parameters = [("timeout", (long)ModelQueue.LongestTimeout.TotalMicroseconds)] }, typed: false);
        slow.Id = "";
        await stream.RequestStream.WriteAsync(slow, Cancellation);
        foreach (var (value, id) in new[] { (1f, ""), (2f, ""), (3f, "three"), (4f, "") })
        {
            var call = GrpcCalls.Message(new Call(models.Of("FP32"), CallTensor.Of("x", "FP32", [1], value)), typed: false);
            call.Id = id;
            await stream.RequestStream.WriteAsync(call, Cancellation);
        }

        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        Assert.Equal("three", stream.ResponseStream.Current.InferResponse.Id);
        await stream.RequestStream.CompleteAsync();
        IReadOnlyList<QueuedRequest> taken = [];
        await Wait.UntilAsync(async () => (taken = await queue.Worker.ReadAsync(1)).Count == 1);
        var replies = new Replies();
        replies.Refuse(taken[0].Request, ReplyOutcome.Failed, "refused at last", TimeProvider.System.GetUtcNow(), "test");
        await queue.Worker.CompleteAsync(taken, replies);
        var answers = await stream.ResponseStream.ReadAllAsync(Cancellation).ToListAsync(Cancellation);

        Assert.Contains("refused at last", answers[0].ErrorMessage, StringComparison.Ordinal);
        Assert.Equal([1f, 2f, 4f], answers.Skip(1).Select(a => Assert.Single(GrpcCalls.Answer(a.InferResponse).Outputs).Elements.Single()));
    }

    [Fact]
    public async Task Stream_ends_with_its_key()
    {
        await using var keys = await TestKeys.OpenAsync(models.Platform);
        var key = await keys.CreateAsync("service");
        using var caller = new GrpcCalls(models.Platform, key);
        using var stream = caller.Client.ModelStreamInfer(caller.Headers, cancellationToken: Cancellation);
        Assert.Equal("", await AnswerAsync(stream));

        await keys.RevokeAsync(key);

        var ended = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            var wait = Wait.For("the stream of a revoked key to end");
            while (true)
            {
                Assert.Equal("", await AnswerAsync(stream));
                await wait.PauseAsync();
            }
        });
        Assert.Equal((StatusCode.Unauthenticated, "the API key has been revoked"), (ended.StatusCode, ended.Status.Detail));
    }

    [Fact]
    public async Task Stream_opens_no_model_that_its_key_has_lost()
    {
        await using var keys = await TestKeys.OpenAsync(models.Platform);
        var tenant = await keys.AddTenantAsync();
        using var admin = models.Platform.Admin();
        var (_, key) = await admin.CreateKeyAsync("service", tenant);
        using var caller = new GrpcCalls(models.Platform, key);
        using var stream = caller.Client.ModelStreamInfer(caller.Headers, cancellationToken: Cancellation);
        Assert.Equal("", await AnswerAsync(stream));

        await keys.ExecuteAsync("UPDATE tenants SET models = '{another}' WHERE id = $1", tenant);

        var (error, wait) = ("", Wait.For("the model to be refused"));
        while ((error = await AnswerAsync(stream)).Length == 0)
        {
            await wait.PauseAsync();
        }

        Assert.Contains($"no model '{models.Of("FP32")}'", error, StringComparison.OrdinalIgnoreCase);
        await stream.RequestStream.CompleteAsync();
        Assert.False(await stream.ResponseStream.MoveNext(Cancellation));
    }

    [Fact]
    public async Task Message_may_be_as_large_as_a_body_and_no_larger()
    {
        const int Limit = 32 << 20;
        var message = GrpcCalls.Message(
            new(models.Of("UINT8"), new CallTensor("x", "UINT8", [16 << 20], new byte[16 << 20])), typed: false);
        var large = message.Clone();
        large.RawInputContents[0] = ByteString.CopyFrom(new byte[Limit]);

        var response = await _grpc.Client.ModelInferAsync(message, _grpc.Headers, cancellationToken: Cancellation);
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await _grpc.Client.ModelInferAsync(large, _grpc.Headers, cancellationToken: Cancellation));

        Assert.Equal(16 << 20, Assert.Single(response.RawOutputContents).Length);
        Assert.Equal(StatusCode.ResourceExhausted, refused.StatusCode);
    }

    [Fact]
    public async Task Contents_beside_raw_contents_are_refused_and_so_are_numbers_out_of_range()
    {
        var both = GrpcCalls.Message(new(models.Of("INT8"), CallTensor.Of("x", "INT8", [1], (sbyte)1)), typed: true);
        both.RawInputContents.Add(ByteString.CopyFrom(1));
        var wide = GrpcCalls.Message(new(models.Of("INT8"), CallTensor.Of("x", "INT8", [1], (sbyte)1)), typed: true);
        wide.Inputs[0].Contents.IntContents[0] = 128;
        var other = GrpcCalls.Message(new(models.Of("INT8"), CallTensor.Of("x", "INT8", [1], (sbyte)1)), typed: true);
        other.Inputs[0].Contents = new() { Fp32Contents = { 1f } };
        var half = GrpcCalls.Message(new(models.Of("FP16")), typed: true);
        half.Inputs.Add(new ModelInferRequest.Types.InferInputTensor
        {
            Name = "x",
            Datatype = "FP16",
            Shape = { 1 },
            Contents = other.Inputs[0].Contents
        });

        await RefusedAsync(both, "inputs[0].contents: given beside raw_input_contents");
        await RefusedAsync(wide, "element 0 is 128, which is out of the range of INT8");
        await RefusedAsync(other, "INT8 is expected in int_contents, but fp32_contents has 1 elements");
        await RefusedAsync(half, "FP16 can't be given as contents; send raw_input_contents");
    }

    [Fact]
    public async Task Rest_is_served_over_http2_without_tls_at_the_same_port()
    {
        using var client = new HttpClient { BaseAddress = GrpcCalls.AddressOf(models.Platform) };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v2/models/digits")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { { "X-API-Key", Platform.AdminKey } },
        };

        using var response = await client.SendAsync(request, Cancellation);

        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (response.StatusCode, response.Version));
    }

    private static Call Digit(ModelQueue queue) => new(queue.Model, CallTensor.Of("image", "FP32", [1, 8, 8], Digits.HeldOut[0].Pixels));

    private async Task RefusedAsync(ModelInferRequest message, string reason)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await _grpc.Client.ModelInferAsync(message, _grpc.Headers, cancellationToken: Cancellation));

        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Contains(reason, refused.Status.Detail, StringComparison.Ordinal);
    }

    // The error of the answer to one more request; empty where there is none.
    private async Task<string> AnswerAsync(AsyncDuplexStreamingCall<ModelInferRequest, ModelStreamInferResponse> stream)
    {
        await stream.RequestStream.WriteAsync(GrpcCalls.Message(new Call(models.Of("FP32"), X), typed: false), Cancellation);
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        return stream.ResponseStream.Current.ErrorMessage;
    }
}
