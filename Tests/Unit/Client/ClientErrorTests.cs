using System.Net;
using InferenceTemplate.Client;
using InferenceTemplate.Tests.Shared;
using Microsoft.AspNetCore.Http;

namespace InferenceTemplate.Tests.Unit.Client;

/// <summary>What the client makes of refusals, failures and cancellation.</summary>
public sealed class ClientErrorTests
{
    private static readonly IReadOnlyList<InferenceTensor> Inputs = [InferenceTensor.Create<float>("x", [1], [1])];

    public static TheoryData<string> Keys => ["", "schlüssel", "a\nb", "a\0", new string('k', 256)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(400, InferenceError.InvalidRequest)]
    [InlineData(401, InferenceError.Unauthenticated)]
    [InlineData(403, InferenceError.Forbidden)]
    [InlineData(404, InferenceError.NotFound)]
    [InlineData(406, InferenceError.InvalidRequest)]
    [InlineData(408, InferenceError.TimedOut)]
    [InlineData(409, InferenceError.Conflict)]
    [InlineData(410, InferenceError.Gone)]
    [InlineData(412, InferenceError.Conflict)]
    [InlineData(413, InferenceError.TooLarge)]
    [InlineData(422, InferenceError.InvalidRequest)]
    [InlineData(425, InferenceError.Unavailable)]
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
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{Ports.Free()}") };

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

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"model":null,"stable":"1"}""")]
    public async Task Response_without_what_it_must_have_is_no_result(string body)
    {
        await using var server = await FaultyServer.StartAsync((context, _) => context.AnswerAsync(200, body));

        var failed = await Assert.ThrowsAsync<InferenceException>(() => server.Client.Models.PromoteAsync("m", "1", Cancellation));

        Assert.Equal(InferenceError.Failed, failed.Error);
        Assert.StartsWith("the response can't be understood: ", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public async Task Idempotency_key_that_no_header_can_hold_is_refused_before_anything_is_sent(string key)
    {
        await using var server = await FaultyServer.StartAsync((context, _) => context.RefuseAsync(500));

        var refused = await Assert.ThrowsAsync<ArgumentException>(
            () => server.Client.InferAsync("m", Inputs, new() { IdempotencyKey = key }, Cancellation));

        Assert.StartsWith("IdempotencyKey: 1 to 255 printable ASCII characters expected", refused.Message, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    public async Task Name_that_would_ask_for_something_else_is_refused_before_anything_is_sent(string? name)
    {
        await using var server = await FaultyServer.StartAsync((context, _) => context.RefuseAsync(500));
        var models = server.Client.Models;

        foreach (var call in (Func<Task>[])
        [
            () => models.GetAsync(name!, cancellationToken: Cancellation),
            () => models.IsReadyAsync(name!, cancellationToken: Cancellation),
            () => models.GetVersionAsync(name!, "1", Cancellation),
            () => models.GetVersionAsync("m", name!, Cancellation),
            () => models.PromoteAsync(name!, "1", Cancellation),
            () => models.RollbackAsync(name!, Cancellation),
            () => models.UploadVersionAsync(name!, new MemoryStream([1]), cancellationToken: Cancellation),
            () => server.Client.InferAsync(name!, Inputs, cancellationToken: Cancellation),
            () => server.Client.InferAsync("m", Inputs, new() { Version = name ?? "" }, Cancellation),
            () => server.Client.Jobs.SubmitAsync(name!, Inputs, cancellationToken: Cancellation),
        ])
        {
            await Assert.ThrowsAnyAsync<ArgumentException>(call);
        }

        Assert.Empty(server.Requests);
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
