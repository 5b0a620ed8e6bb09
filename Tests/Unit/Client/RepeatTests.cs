using Grpc.Core;
using InferenceTemplate.Client;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace InferenceTemplate.Tests.Unit.Client;

/// <summary>What the client sends again, and what it sends once.</summary>
public sealed class RepeatTests
{
    private static readonly IReadOnlyList<InferenceTensor> Inputs = [InferenceTensor.Create<float>("x", [1], [1])];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(429, "0")]
    [InlineData(409, "0")]
    [InlineData(502, null)]
    [InlineData(503, "0")]
    [InlineData(0, null)]
    public async Task Call_is_sent_again_until_it_is_answered(int status, string? retryAfter)
    {
        await using var server = await FaultyServer.StartAsync(async (context, n) =>
        {
            if (n < 3 && status == 0)
            {
                context.Abort();
                return;
            }

            var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, Cancellation);
            Assert.Equal([0, 0, 0x80, 0x3F], body.ToArray()[^4..]);
            await (n < 3 ? context.RefuseAsync(status, retryAfter) : context.AnswerInferenceAsync("FP32", BitConverter.GetBytes(2f)));
        });

        var result = await server.Client.InferAsync("m", Inputs, cancellationToken: Cancellation);

        Assert.Equal([2f], result["y"].As<float>());
        Assert.Equal(3, server.Requests.Count);
    }

    [Theory]
    [InlineData(400, "0")]
    [InlineData(429, null)]
    [InlineData(429, "3600")]
    [InlineData(500, null)]
    [InlineData(504, null)]
    public async Task Call_is_sent_once_where_another_would_fail_or_wait_for_long(int status, string? retryAfter)
    {
        await using var server = await FaultyServer.StartAsync((context, _) => context.RefuseAsync(status, retryAfter));

        var refused = await Assert.ThrowsAsync<InferenceException>(
            () => server.Client.InferAsync("m", Inputs, cancellationToken: Cancellation));

        Assert.Equal(status, (int)refused.Status!);
        Assert.Equal(retryAfter, refused.RetryAfter?.TotalSeconds.ToString());
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Call_whose_time_is_up_before_it_may_come_again_is_not_sent_again()
    {
        await using var server = await FaultyServer.StartAsync((context, _) => context.RefuseAsync(503, "9"));

        await Assert.ThrowsAsync<InferenceException>(() => server.Client.InferAsync(
            "m", Inputs, new() { Timeout = TimeSpan.FromSeconds(1) }, Cancellation));

        Assert.Single(server.Requests);
    }

    [Fact]
    public void Calls_over_grpc_come_again_at_different_times_and_only_where_time_is_left()
    {
        var left = TimeSpan.FromSeconds(30);
        var waits = Enumerable.Range(0, 200).Select(_ => RepeatPolicy.WaitAfter(Unavailable(null), 1, left)!.Value).ToList();

        Assert.All(waits, wait => Assert.InRange(wait, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1.5)));
        Assert.True(waits.Distinct().Count() > 100);
        Assert.Null(RepeatPolicy.WaitAfter(Unavailable(null), 3, left));

        var asked = TimeSpan.FromSeconds(2);
        Assert.Equal(asked, RepeatPolicy.WaitAfter(Unavailable("2"), 0, asked + TimeSpan.FromTicks(1)));
        Assert.Null(RepeatPolicy.WaitAfter(Unavailable("2"), 0, asked));
        Assert.Null(RepeatPolicy.WaitAfter(Unavailable("0"), 0, TimeSpan.Zero));

        static InferenceException Unavailable(string? retryAfter) => InferenceException.Of(new RpcException(
            new Status(StatusCode.Unavailable, "no"), retryAfter is null ? [] : new Metadata { { "retry-after", retryAfter } }));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("order-7")]
    public async Task Job_is_submitted_under_one_key_however_often_it_is_sent(string? key)
    {
        await using var server = await FaultyServer.StartAsync((context, n) => n switch
        {
            1 => Abort(context),
            2 => context.RefuseAsync(503, "0"),
            _ => context.AnswerAsync(202, FaultyAnswers.Job.Replace("STATE", "queued", StringComparison.Ordinal)),
        });

        var job = await server.Client.Jobs.SubmitAsync("m", Inputs, new() { IdempotencyKey = key }, Cancellation);

        Assert.NotEqual(Guid.Empty, job.Id);
        Assert.Equal(3, server.Requests.Count);
        var sent = Assert.Single(server.Requests.Select(headers => headers["Idempotency-Key"].ToString()).Distinct());
        Assert.True(sent.Length > 0 && (key is null || sent == key));
        Assert.All(server.Requests, headers => Assert.Equal("respond-async", headers["Prefer"]));
    }

    [Fact]
    public async Task Two_jobs_have_keys_of_their_own()
    {
        await using var server = await FaultyServer.StartAsync((context, _) =>
            context.AnswerAsync(202, FaultyAnswers.Job.Replace("STATE", "queued", StringComparison.Ordinal)));

        await server.Client.Jobs.SubmitAsync("m", Inputs, cancellationToken: Cancellation);
        await server.Client.Jobs.SubmitAsync("m", Inputs, cancellationToken: Cancellation);

        Assert.Equal(2, server.Requests.Select(headers => headers["Idempotency-Key"].ToString()).Distinct().Count());
    }

    [Theory]
    [InlineData(503)]
    [InlineData(0)]
    public async Task Upload_promotion_and_batch_job_are_sent_once(int status)
    {
        await using var server = await FaultyServer.StartAsync(
            (context, _) => status == 0 ? Abort(context) : context.RefuseAsync(status, "0"),
            // As an Aspire service's defaults do: these handlers would send anything again.
            services => services.ConfigureHttpClientDefaults(http => http.AddStandardResilienceHandler()));

        foreach (var change in (Func<Task>[])
        [
            () => server.Client.Models.UploadVersionAsync("m", new MemoryStream([1]), cancellationToken: Cancellation),
            () => server.Client.Models.PromoteAsync("m", "1", Cancellation),
            () => server.Client.Batches.SubmitAsync(new MemoryStream([1]), cancellationToken: Cancellation),
        ])
        {
            var failed = await Assert.ThrowsAsync<InferenceException>(change);
            Assert.Equal(status == 0 ? InferenceError.Unreachable : InferenceError.Unavailable, failed.Error);
        }

        Assert.Equal(3, server.Requests.Count);
    }

    [Fact]
    public async Task Client_of_an_HttpClient_of_ones_own_sends_once_and_leaves_it_open()
    {
        await using var server = await FaultyServer.StartAsync(
            (context, n) => n == 1 ? context.RefuseAsync(503, "0") : context.AnswerInferenceAsync("FP32", new byte[4]));
        using var http = new HttpClient { BaseAddress = new Uri(server.Address) };
        var client = new InferenceClient(http);

        await Assert.ThrowsAsync<InferenceException>(() => client.InferAsync("m", Inputs, cancellationToken: Cancellation));
        Assert.Single(server.Requests);

        var result = await client.InferAsync("m", Inputs, cancellationToken: Cancellation);
        Assert.Equal([0f], result["y"].As<float>());
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData("0", 2)]
    public async Task Status_503_of_a_result_is_the_jobs_own_unless_it_says_when_to_come_again(string? retryAfter, int requests)
    {
        await using var server = await FaultyServer.StartAsync((context, n) => context.RefuseAsync(503, n == 1 ? retryAfter : null));

        await Assert.ThrowsAsync<InferenceException>(() => server.Client.Jobs.Get(Guid.NewGuid()).ResultAsync(Cancellation));

        Assert.Equal(requests, server.Requests.Count);
        Assert.All(server.Requests, headers => Assert.Equal(
            "application/octet-stream, application/problem+json; q=0.5", headers.Accept.ToString()));
    }

    [Fact]
    public async Task Request_without_a_limit_is_sent_again_when_the_response_asks_for_it()
    {
        await using var server = await FaultyServer.StartAsync(
            (context, n) => n == 1 ? context.RefuseAsync(503, "0") : context.AnswerAsync(200, "{}"));

        Assert.True(await new ApiTransport(server.Http).SendAsync(
            new(HttpMethod.Get, "v2"), (_, _) => Task.FromResult(true), Timeout.InfiniteTimeSpan, Cancellation, Repeat.IfPassing));
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task Readiness_is_asked_again_after_a_failed_connection_and_not_after_an_answer()
    {
        await using var server = await FaultyServer.StartAsync((context, n) => n == 1 ? Abort(context) : context.RefuseAsync(503, "0"));

        Assert.False(await server.Client.Models.IsReadyAsync("m", cancellationToken: Cancellation));

        Assert.Equal(2, server.Requests.Count);
    }

    private static Task Abort(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }
}
