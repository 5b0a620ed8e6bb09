using System.Collections.Concurrent;
using System.Text;
using InferenceTemplate.Client;
using InferenceTemplate.Tests.Api.Conformance;
using InferenceTemplate.Tests.Shared;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Api;

/// <summary>The .NET client against the platform.</summary>
[Collection(nameof(ProtocolModels))]
public sealed class ClientTests(ProtocolModels models) : IDisposable
{
    private readonly ConcurrentBag<ServiceProvider> _providers = [];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static InferenceTensor Seven => InferenceTensor.Create("image", [1, 8, 8], Pixels(7));

    private InferenceClient Client => With(Platform.AdminKey);

    public void Dispose()
    {
        foreach (var provider in _providers)
        {
            provider.Dispose();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Elements_of_every_datatype_come_back_as_they_went(bool grpc)
    {
        var client = With(Platform.AdminKey, grpc);
        var seen = new List<string>();
        await ReturnsAsync("BOOL", true, false);
        await ReturnsAsync<byte>("UINT8", 0, 255);
        await ReturnsAsync<ushort>("UINT16", 0, ushort.MaxValue);
        await ReturnsAsync<uint>("UINT32", 0, uint.MaxValue);
        await ReturnsAsync<ulong>("UINT64", 0, ulong.MaxValue);
        await ReturnsAsync<sbyte>("INT8", sbyte.MinValue, sbyte.MaxValue);
        await ReturnsAsync("INT16", short.MinValue, short.MaxValue);
        await ReturnsAsync("INT32", int.MinValue, int.MaxValue);
        await ReturnsAsync("INT64", long.MinValue, long.MaxValue);
        await ReturnsAsync("FP16", Half.MinValue, Half.NaN, Half.Epsilon);
        await ReturnsAsync("FP32", float.MinValue, float.NaN, float.NegativeInfinity);
        await ReturnsAsync("FP64", double.MaxValue, double.Epsilon, -0.0);
        await ReturnsAsync("BYTES", "", "grün", "推理 😀", "\0");
        await ReturnsAsync<byte[]>("BYTES", [0xFF, 0], []);
        var bits = await InferAsync("BF16", InferenceTensor.CreateBFloat16("x", [2], [0x3F80, 0x7FC0]));
        Assert.Equal((ushort[])[0x3F80, 0x7FC0], bits.As<ushort>().ToArray());

        Assert.Equal(ProtocolModels.Datatypes.Select(each => each.Datatype).Order(), seen.Distinct().Order());

        async Task ReturnsAsync<T>(string datatype, params T[] elements)
        {
            var output = await InferAsync(datatype, InferenceTensor.Create("x", [elements.Length], elements));
            Assert.Equal(elements, output.As<T>().ToArray());
            Assert.Equal(elements.Length, Assert.Single(output.Shape));
        }

        async Task<InferenceTensor> InferAsync(string datatype, InferenceTensor input)
        {
            var output = (await client.InferAsync(models.Of(datatype), [input], cancellationToken: Cancellation))["y"];
            Assert.Equal((datatype, datatype), (input.Datatype, output.Datatype));
            seen.Add(datatype);
            return output;
        }
    }

    [Fact]
    public async Task Call_has_what_its_options_say()
    {
        var options = new InferenceOptions
        {
            Version = "1",
            Outputs = ["label"],
            RequestId = "digit-7",
            Timeout = TimeSpan.FromSeconds(20),
            Priority = InferencePriority.High,
            IdempotencyKey = $"key-{Guid.NewGuid()}",
        };

        var result = await Client.InferAsync("digits", [Seven], options, Cancellation);

        Assert.Equal(("digits", "1", "digit-7"), (result.Model, result.Version, result.RequestId));
        Assert.Equal([7L], Assert.Single(result.Outputs).As<long>());
        Assert.True(result.Parameters["batch_size"].GetInt32() > 0);
        Assert.Contains("it has 'label'", Assert.Throws<KeyNotFoundException>(() => result["score"]).Message, StringComparison.Ordinal);

        var other = await Assert.ThrowsAsync<InferenceException>(
            () => Client.InferAsync("digits", [Seven], options with { RequestId = "another" }, Cancellation));
        Assert.Equal((InferenceError.InvalidRequest, 422), (other.Error, (int)other.Status!));
    }

    [Fact]
    public async Task Refusals_are_told_apart_and_have_the_platforms_words()
    {
        var unknown = await RefusedAsync(Client.InferAsync("no-such", [Seven], cancellationToken: Cancellation));
        var unauthenticated = await RefusedAsync(With("nobody_x").InferAsync("digits", [Seven], cancellationToken: Cancellation));
        var wrong = await RefusedAsync(Client.InferAsync(
            "digits", [InferenceTensor.Create("image", [1, 7, 8], new float[56])], cancellationToken: Cancellation));
        var large = await RefusedAsync(Client.InferAsync(
            "digits", [InferenceTensor.Create("image", [150_000, 8, 8], new float[9_600_000])], cancellationToken: Cancellation));
        var late = await RefusedAsync(Client.InferAsync(
            "digits", [Seven], new() { Timeout = TimeSpan.FromMicroseconds(1) }, Cancellation));
        var job = await RefusedAsync(Client.Jobs.Get(Guid.NewGuid()).GetAsync(Cancellation));

        Assert.Equal(
            [(InferenceError.NotFound, 404), (InferenceError.Unauthenticated, 401), (InferenceError.InvalidRequest, 400),
                (InferenceError.TooLarge, 413), (InferenceError.TimedOut, 504), (InferenceError.NotFound, 404)],
            new[] { unknown, unauthenticated, wrong, large, late, job }.Select(each => (each.Error, (int)each.Status!)));
        Assert.Contains("no-such", unknown.Detail, StringComparison.Ordinal);
        Assert.Contains("[1,7,8]", wrong.Detail, StringComparison.Ordinal);
        Assert.Contains("33554432", large.Detail, StringComparison.Ordinal);
        Assert.Contains("there is no job", job.Detail, StringComparison.Ordinal);
        Assert.Equal("Not Found", job.Title);
        Assert.All([unknown, wrong, late, job], each => Assert.Matches("^[0-9a-f]{32}$", each.TraceId));
    }

    [Fact]
    public async Task Calls_over_grpc_have_the_same_options_results_and_refusals()
    {
        var client = With(Platform.AdminKey, grpc: true);
        var tenant = await TestTenant.CreateAsync(models.Platform, "\"requests_per_minute\":1,\"burst\":1");
        var limited = With(await tenant.KeyAsync(), grpc: true);
        var options = new InferenceOptions
        {
            Version = "1",
            Outputs = ["label"],
            RequestId = "digit-7",
            Timeout = TimeSpan.FromSeconds(20),
            Priority = InferencePriority.High,
        };

        var result = await client.InferAsync("digits", [Seven], options, Cancellation);
        await limited.InferAsync("digits", [Seven], cancellationToken: Cancellation);

        Assert.Equal(("digits", "1", "digit-7"), (result.Model, result.Version, result.RequestId));
        Assert.Equal([7L], Assert.Single(result.Outputs).As<long>());
        Assert.True(result.Parameters["batch_size"].GetInt32() > 0);
        InferenceException[] refused =
        [
            await RefusedAsync(client.InferAsync("no-such", [Seven], cancellationToken: Cancellation)),
            await RefusedAsync(With("nobody_x", grpc: true).InferAsync("digits", [Seven], cancellationToken: Cancellation)),
            await RefusedAsync(client.InferAsync(
                "digits", [InferenceTensor.Create("image", [1, 7, 8], new float[56])], cancellationToken: Cancellation)),
            await RefusedAsync(client.InferAsync(
                "digits", [InferenceTensor.Create("image", [150_000, 8, 8], new float[9_600_000])], cancellationToken: Cancellation)),
            await RefusedAsync(client.InferAsync("digits", [Seven], new() { Timeout = TimeSpan.FromMicroseconds(1) }, Cancellation)),
            await RefusedAsync(limited.InferAsync("digits", [Seven], cancellationToken: Cancellation)),
            await RefusedAsync(With(Platform.AdminKey, new Uri("http://127.0.0.1:1")).InferAsync(
                "digits", [Seven], cancellationToken: Cancellation)),
        ];
        Assert.Equal(
            [InferenceError.NotFound, InferenceError.Unauthenticated, InferenceError.InvalidRequest, InferenceError.TooLarge,
                InferenceError.TimedOut, InferenceError.RateLimited, InferenceError.Unreachable],
            refused.Select(each => each.Error));
        Assert.Contains("no-such", refused[0].Detail, StringComparison.Ordinal);
        Assert.Contains("[1,7,8]", refused[2].Detail, StringComparison.Ordinal);
        Assert.InRange(refused[5].RetryAfter!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<ArgumentException>(
            () => client.InferAsync("digits", [Seven], new() { IdempotencyKey = "k" }, Cancellation));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Caller_that_leaves_takes_its_call_out_of_the_queue(bool grpc)
    {
        using var queue = await ModelQueue.OpenAsync(models.Platform);
        await queue.RegisterAsync();
        using var leaves = new CancellationTokenSource();
        var call = With(Platform.AdminKey, grpc).InferAsync(
            queue.Model, [Seven], new() { Timeout = ModelQueue.LongestTimeout }, leaves.Token);
        await Wait.UntilAsync(async () => call.IsCompleted || (await queue.StatsAsync()).Depth == 1);
        Assert.False(call.IsCompleted, call.Exception?.Message);

        await leaves.CancelAsync();

        Assert.Equal(leaves.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call)).CancellationToken);
        await queue.EmptiesBeforeDeadlinesAsync();
    }

    [Fact]
    public async Task Refusals_of_a_result_and_of_events_have_problem_details_too()
    {
        var job = With("nobody_x").Jobs.Get(Guid.NewGuid());

        foreach (var refused in (InferenceException[])
            [await RefusedAsync(job.ResultAsync(Cancellation)), await RefusedAsync(job.WaitAsync(cancellationToken: Cancellation))])
        {
            Assert.Equal((InferenceError.Unauthenticated, "Unauthorized"), (refused.Error, refused.Title));
            Assert.NotNull(refused.Detail);
        }
    }

    [Fact]
    public async Task Tenants_limit_says_when_to_come_again()
    {
        var tenant = await TestTenant.CreateAsync(models.Platform, """
            "requests_per_minute":1,"burst":1
            """);
        var client = With(await tenant.KeyAsync());
        await client.InferAsync("digits", [Seven], cancellationToken: Cancellation);

        var limited = await RefusedAsync(client.InferAsync("digits", [Seven], cancellationToken: Cancellation));

        Assert.Equal(InferenceError.RateLimited, limited.Error);
        Assert.InRange(limited.RetryAfter!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Job_is_followed_to_its_end_and_has_the_result_of_the_call()
    {
        var progress = new Reports<InferenceJob>();
        var job = await Client.Jobs.SubmitAsync("digits", [Seven], new() { RequestId = "job-7" }, Cancellation);

        var ended = await job.WaitAsync(progress, Cancellation);
        var result = await Client.Jobs.Get(job.Id).ResultAsync(Cancellation);

        Assert.Equal((job.Id, JobState.Succeeded, "job-7"), (ended.Id, ended.State, ended.RequestId));
        Assert.Equal(ended, progress.Last());
        Assert.Equal(JobState.Succeeded, (await job.GetAsync(Cancellation)).State);
        Assert.Equal([7L], result["label"].As<long>());
    }

    [Fact]
    public async Task Job_that_waits_has_no_result_and_can_be_cancelled()
    {
        using var admin = models.Platform.Admin();
        var job = Client.Jobs.Get(await models.Platform.SubmitIdleAsync(admin));

        Assert.Equal(InferenceError.Conflict, (await RefusedAsync(job.ResultAsync(Cancellation))).Error);
        Assert.Equal(JobState.Cancelled, (await job.CancelAsync(Cancellation)).State);
        Assert.Equal(JobState.Cancelled, (await job.WaitAsync(cancellationToken: Cancellation)).State);
    }

    [Fact]
    public async Task Same_idempotency_key_is_the_same_job()
    {
        var options = new InferenceOptions { IdempotencyKey = $"key-{Guid.NewGuid()}" };

        var first = await Client.Jobs.SubmitAsync("digits", [Seven], options, Cancellation);
        var second = await Client.Jobs.SubmitAsync("digits", [Seven], options, Cancellation);

        Assert.Equal(first.Id, second.Id);
    }

    [Fact]
    public async Task Batch_job_gives_its_lines_and_its_errors()
    {
        var lines = $"{BatchCalls.Line(1, "one")}\n{BatchCalls.Line(2, "two")}\n{BatchCalls.Line(3, "none", "no-such")}\n";
        using var body = new MemoryStream(Encoding.UTF8.GetBytes(lines));

        var batch = await Client.Batches.SubmitAsync(body, cancellationToken: Cancellation);
        var ended = await batch.WaitAsync(cancellationToken: Cancellation);

        Assert.Equal((BatchState.Completed, new BatchCounts(3, 2, 1)), (ended.State, ended.Counts));
        var output = await batch.OutputAsync(Cancellation).ToListAsync(Cancellation);
        Assert.Equal(["one", "two"], output.Select(line => line.CustomId));
        Assert.All(output, line => Assert.Equal("digits", line.Response!.Body.GetProperty("model_name").GetString()));
        var failed = Assert.Single(await batch.ErrorsAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal((3, "none", 404), (failed.Line, failed.CustomId, failed.Error!.StatusCode));
    }

    [Fact]
    public async Task Versions_are_uploaded_promoted_and_rolled_back()
    {
        var model = $"m{Guid.NewGuid():N}";
        var registry = Client.Models;
        var file = ProtocolModels.Identity(OnnxModel.Float);
        var progress = new Reports<long>();

        foreach (var version in (string[])["1", "2"])
        {
            using var stream = new MemoryStream(file);
            var uploaded = await registry.UploadVersionAsync(model, stream, progress, cancellationToken: Cancellation);
            Assert.Equal((model, version, file.Length), (uploaded.Model, uploaded.Version, (int)uploaded.SizeBytes));
            Assert.Equal(file.Length, progress.Last());
            await Wait.UntilAsync(async () =>
                (await registry.GetVersionAsync(model, version, Cancellation)).State == VersionState.Ready);
            await registry.PromoteAsync(model, version, Cancellation);
        }

        Assert.Equal(new StableVersion(model, "1", "2"), await registry.RollbackAsync(model, Cancellation));
        await Wait.UntilAsync(() => registry.IsReadyAsync(model, cancellationToken: Cancellation));
        await Wait.UntilAsync(async () => (await registry.ListAsync(Cancellation)).Contains(model));
        var input = Assert.Single((await registry.GetAsync(model, "1", Cancellation)).Inputs);
        Assert.Equal(("x", "FP32", -1L), (input.Name, input.Datatype, Assert.Single(input.Shape)));
        Assert.False(await registry.IsReadyAsync("no-such", cancellationToken: Cancellation));

        using var again = new MemoryStream(file);
        var exists = await RefusedAsync(registry.UploadVersionAsync(model, again, version: "1", cancellationToken: Cancellation));
        Assert.Equal(InferenceError.Conflict, exists.Error);
        Assert.NotNull(exists.Detail);
        var unknown = await RefusedAsync(registry.GetVersionAsync("no-such", "1", Cancellation));
        Assert.Equal((InferenceError.NotFound, "There is no version '1' of a model 'no-such'."), (unknown.Error, unknown.Detail));
        Assert.Contains("There is no version", unknown.Message, StringComparison.Ordinal);
        using var deleted = await models.Client.DeleteAsync($"/v1/models/{model}", Cancellation);
    }

    private static float[] Pixels(int label) => Digits.HeldOut.First(each => each.Label == label).Pixels;

    private static Task<InferenceException> RefusedAsync<T>(Task<T> call) => Assert.ThrowsAsync<InferenceException>(() => call);

    private InferenceClient With(string key, bool grpc = false) => With(key, grpc ? GrpcCalls.AddressOf(models.Platform) : null);

    private InferenceClient With(string key, Uri? grpc)
    {
        using var http = models.Platform.Anonymous();
        var services = new ServiceCollection();
        services.AddInferenceClient(
            options => (options.BaseAddress, options.GrpcAddress, options.ApiKey) = (http.BaseAddress, grpc, key));
        var provider = services.BuildServiceProvider();
        _providers.Add(provider);
        return provider.GetRequiredService<InferenceClient>();
    }

    private sealed class Reports<T> : ConcurrentQueue<T>, IProgress<T>
    {
        public void Report(T value) => Enqueue(value);
    }
}
