using System.Net;
using System.Net.Sockets;
using InferenceTemplate.Client;
using InferenceTemplate.Tests.Shared;
using Microsoft.AspNetCore.Http;

namespace InferenceTemplate.Tests.Unit.Client;

/// <summary>What the client makes of refusals, failures and cancellation.</summary>
public sealed class ClientErrorTests
{
    private static readonly IReadOnlyList<InferenceTensor> Inputs = [InferenceTensor.Create<float>("x", [1], [1])];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(400, InferenceError.InvalidRequest)]
    [InlineData(401, InferenceError.Unauthenticated)]
    [InlineData(403, InferenceError.Forbidden)]
    [InlineData(404, InferenceError.NotFound)]
    [InlineData(406, InferenceError.InvalidRequest)]
    [InlineData(409, InferenceError.Conflict)]
    [InlineData(410, InferenceError.Gone)]
    [InlineData(412, InferenceError.Conflict)]
    [InlineData(413, InferenceError.TooLarge)]
    [InlineData(422, InferenceError.InvalidRequest)]
    [InlineData(429, InferenceError.RateLimited)]
    [InlineData(500, InferenceError.Failed)]
    [InlineData(503, InferenceError.Unavailable)]
    [InlineData(504, InferenceError.TimedOut)]
    public async Task Refusal_is_told_with_the_words_of_the_problem_details(int status, InferenceError error)
    {
        await using var server = await FaultyServer.StartAsync((context, _) =>
        {
            context.Response.Headers.RetryAfter = "11";
            return context.AnswerAsync(
                status, """{"title":"A title","detail":"The reason","status":1,"traceId":"4bf9"}""", "application/problem+json");
        });

        var refused = await Assert.ThrowsAsync<InferenceException>(() => server.Client.Jobs.Get(Guid.NewGuid()).GetAsync(Cancellation));

        Assert.Equal(
            (error, (HttpStatusCode)status, "A title", "The reason", "4bf9", TimeSpan.FromSeconds(11), $"{status}: The reason"),
            (refused.Error, refused.Status, refused.Title, refused.Detail, refused.TraceId, refused.RetryAfter, refused.Message));
    }

    [Theory]
    [InlineData("application/json", """{"error":"inputs: missing"}""", "inputs: missing")]
    [InlineData("application/json", "{", null)]
    [InlineData("application/json", "", null)]
    [InlineData("text/html", "<h1>Bad Request</h1>", null)]
    public async Task Refusal_without_problem_details_is_told_too(string type, string body, string? detail)
    {
        await using var server = await FaultyServer.StartAsync((context, _) =>
        {
            context.Response.Headers["X-Correlation-Id"] = "4bf9";
            return context.AnswerAsync(400, body, type);
        });

        var refused = await InferAsync(server.Client);

        Assert.Equal((InferenceError.InvalidRequest, detail, "4bf9"), (refused.Error, refused.Detail, refused.TraceId));
        Assert.Equal($"400: {detail ?? "Bad Request"}", refused.Message);
    }

    [Fact]
    public async Task Server_that_is_not_there_is_unreachable()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new Uri($"http://{listener.LocalEndpoint}");
        listener.Stop();
        using var http = new HttpClient { BaseAddress = address };

        var failed = await InferAsync(new InferenceClient(http));

        Assert.Equal((InferenceError.Unreachable, null), (failed.Error, failed.Status));
        Assert.IsType<HttpRequestException>(failed.InnerException);
    }

    [Theory]
    [InlineData("FP32", 3)]
    [InlineData("INT64", 4)]
    public async Task Response_that_contradicts_itself_is_no_result(string datatype, int size)
    {
        await using var server = await FaultyServer.StartAsync((context, _) => context.AnswerInferenceAsync(datatype, new byte[size]));

        var failed = await InferAsync(server.Client);

        Assert.Equal(
            (InferenceError.Failed, $"the response can't be understood: the output 'y' has {size} bytes, which {datatype} [1] is not"),
            (failed.Error, failed.Message));
    }

    [Fact]
    public async Task Response_that_is_cut_short_is_no_result()
    {
        await using var server = await FaultyServer.StartAsync(async (context, _) =>
        {
            context.Response.Headers["Inference-Header-Content-Length"] = "100";
            context.Response.ContentLength = 200;
            await context.Response.WriteAsync("{", Cancellation);
            await context.Response.Body.FlushAsync(Cancellation);
            context.Abort();
        });

        Assert.Equal(InferenceError.Unreachable, (await InferAsync(server.Client)).Error);
    }

    [Fact]
    public async Task Cancelled_call_ends_with_the_callers_token_and_reaches_the_server()
    {
        var (begun, left) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var server = await FaultyServer.StartAsync(async (context, _) =>
        {
            context.RequestAborted.Register(left.SetResult);
            begun.SetResult();
            await left.Task;
        });
        using var cancellation = new CancellationTokenSource();

        var call = server.Client.InferAsync("m", Inputs, cancellationToken: cancellation.Token);
        await begun.Task.WaitAsync(Cancellation);
        await cancellation.CancelAsync();

        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(cancellation.Token, cancelled.CancellationToken);
        await left.Task.WaitAsync(Wait.DefaultLimit, Cancellation);
    }

    [Fact]
    public async Task Server_that_says_nothing_times_out()
    {
        var ended = new TaskCompletionSource();
        await using var server = await FaultyServer.StartAsync((_, _) => ended.Task);
        using var http = new HttpClient { BaseAddress = new Uri(server.Address), Timeout = TimeSpan.FromMilliseconds(100) };

        var failed = await InferAsync(new InferenceClient(http));

        Assert.Equal((InferenceError.TimedOut, null), (failed.Error, failed.Status));
        ended.SetResult();
    }

    private static Task<InferenceException> InferAsync(InferenceClient client) =>
        Assert.ThrowsAsync<InferenceException>(() => client.InferAsync("m", Inputs, cancellationToken: Cancellation));
}
