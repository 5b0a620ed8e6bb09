using System.ClientModel;
using System.Net;
using System.Text;
using System.Text.Json;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Tensors;
using InferenceTemplate.Tests.Shared;
using OpenAI;
using OpenAI.Chat;

namespace InferenceTemplate.Tests.Api;

/// <summary>Streams whose worker does what it should not: no caller may take what it has got for a whole answer, or get it twice.</summary>
public sealed class BrokenStreamTests(Platform platform) : IAsyncLifetime
{
    private const string Signature = """
        {"inputs":[{"name":"request","datatype":"BYTES","shape":[1]}],"outputs":[{"name":"text","datatype":"BYTES","shape":[1]},
         {"name":"finish_reason","datatype":"BYTES","shape":[1]},{"name":"usage","datatype":"INT64","shape":[2]}]}
        """;

    private ModelQueue? _queue;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ModelQueue Queue => _queue!;

    private string Request => $$"""{"model":"{{Queue.Model}}","messages":[{"role":"user","content":"x"}],"stream":true}""";

    public async ValueTask InitializeAsync()
    {
        _queue = await ModelQueue.OpenAsync(platform);
        await _queue.RegisterAsync(Signature);
    }

    public ValueTask DisposeAsync()
    {
        _queue?.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Worker_that_dies_after_a_part_is_an_event_and_nothing_is_sent_again()
    {
        await using var first = await DirectWorker.StartAsync(Queue, Die);
        await using var second = await DirectWorker.StartAsync(Queue, Die);

        var events = await StreamAsync();

        AssertBroken(events, "one two", "its connection to the worker broke");
        Assert.Single(first.Requests.Concat(second.Requests));

        static void Die(DirectWorker self, DirectLink link, InferenceRequest request)
        {
            SendPart(link, request, 0, "one ");
            SendPart(link, request, 4, "two");
            _ = EndAsync(link);
        }
    }

    [Fact]
    public async Task Worker_that_gives_an_answer_back_after_a_part_is_an_event()
    {
        await using var worker = await DirectWorker.StartAsync(Queue, (_, link, request) =>
        {
            SendPart(link, request, 0, "one");
            DirectWorker.Return(link, request);
        });

        AssertBroken(await StreamAsync(), "one", "its worker returned it");
        Assert.Single(worker.Requests);
    }

    [Fact]
    public async Task Part_that_is_missing_or_other_than_the_text_is_an_event()
    {
        await using (await DirectWorker.StartAsync(Queue, (_, link, request) =>
        {
            SendPart(link, request, 0, "one");
            SendPart(link, request, 5, "three");
            Answer(link, request, "one two three");
        }))
        {
            AssertBroken(await StreamAsync(), "one", "begins at byte 5; 3 was expected");
        }

        await using var other = await DirectWorker.StartAsync(Queue, (_, link, request) =>
        {
            SendPart(link, request, 0, "one");
            Answer(link, request, "two");
        });
        AssertBroken(await StreamAsync(), "one", "not its text");
    }

    [Fact]
    public async Task Answer_that_broke_off_before_any_part_is_asked_of_another_and_comes_once()
    {
        await using var dying = await DirectWorker.StartAsync(Queue, (_, link, _) => link.Dispose());
        await using var well = await DirectWorker.StartAsync(Queue, (_, link, request) =>
        {
            SendPart(link, request, 0, "one ");
            Answer(link, request, "one two");
        });

        for (var i = 0; i < 20 && well.Requests.All(r => r.EarlierDeliveries == 0); i++)
        {
            var events = await StreamAsync();

            Assert.Equal("one two", string.Concat(ChatModel.Texts(events)));
            Assert.Equal("[DONE]", events[^1]);
        }

        Assert.Contains(well.Requests, r => r.EarlierDeliveries > 0);
    }

    [Fact]
    public async Task Answer_that_comes_by_the_queue_is_one_part()
    {
        var streaming = StreamAsync();
        var taken = default(QueuedRequest);
        await Wait.UntilAsync(async () => (taken = (await Queue.Worker.ReadAsync(1)).SingleOrDefault()) is not null);
        var replies = new Replies();
        Write(replies.For(taken!.Request, 1024), taken.Request, "one two");
        await Queue.Worker.CompleteAsync([taken], replies);

        var events = await streaming;

        Assert.Equal(["", "one two"], ChatModel.Texts(events));
        Assert.Equal("[DONE]", events[^1]);
    }

    [Fact]
    public async Task Stream_that_waits_is_kept_alive_and_clients_pass_over_it()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await DirectWorker.StartAsync(Queue, (self, link, request) => _ = AnswerLaterAsync(link, request));
        using var client = platform.Admin();
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = Digits.Json(Request) };
        var official = new OpenAIClient(
            new ApiKeyCredential(Platform.AdminKey), new OpenAIClientOptions { Endpoint = new Uri(client.BaseAddress!, "v1") })
            .GetChatClient(Queue.Model).CompleteChatStreamingAsync([new UserChatMessage("x")], cancellationToken: Cancellation)
            .ToListAsync(Cancellation).AsTask();

        // It waits for longer than the other, and so has a comment when the other has two.
        await Wait.UntilAsync(() => !worker.Requests.IsEmpty);
        using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using var body = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        Assert.Equal(("text/event-stream", "no"), (
            response.Content.Headers.ContentType!.MediaType, response.Headers.GetValues("X-Accel-Buffering").Single()));
        Assert.Equal(": keep-alive", await body.ReadLineAsync(Cancellation));
        Assert.Equal("", await body.ReadLineAsync(Cancellation));
        Assert.Equal(": keep-alive", await body.ReadLineAsync(Cancellation));
        goOn.SetResult();

        var events = ChatModel.Events("\n" + await body.ReadToEndAsync(Cancellation));
        Assert.Equal("one two", string.Concat(ChatModel.Texts(events)));
        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal("one two", string.Concat((await official).SelectMany(u => u.ContentUpdate).Select(p => p.Text)));

        async Task AnswerLaterAsync(DirectLink link, InferenceRequest request)
        {
            await goOn.Task;
            SendPart(link, request, 0, "one ");
            Answer(link, request, "one two");
        }
    }

    [Fact]
    public async Task Stream_whose_text_is_held_back_is_kept_alive_though_parts_come()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await DirectWorker.StartAsync(Queue, (self, link, request) => _ = AnswerSlowlyAsync(link, request));
        using var client = platform.Admin();
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = Digits.Json(Request.Replace(
                "\"stream\"", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"stream\"",
                StringComparison.Ordinal)),
        };

        using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        using var body = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));

        // Where the first piece is late, comments come before it.
        var line = await body.ReadLineAsync(Cancellation);
        while (line is ": keep-alive" or "")
        {
            line = await body.ReadLineAsync(Cancellation);
        }

        Assert.StartsWith("data: {", line, StringComparison.Ordinal);
        Assert.Equal("", await body.ReadLineAsync(Cancellation));
        Assert.Equal(": keep-alive", await body.ReadLineAsync(Cancellation));
        goOn.SetResult();
        var events = ChatModel.Events("\n" + await body.ReadToEndAsync(Cancellation));

        Assert.Equal("[DONE]", events[^1]);
        Assert.Contains(events, e => e.Contains("\"finish_reason\":\"tool_calls\"", StringComparison.Ordinal));

        // Pieces come more often than comments would, until there is one.
        async Task AnswerSlowlyAsync(DirectLink link, InferenceRequest request)
        {
            var text = "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":\"";
            SendPart(link, request, 0, text);
            while (!goOn.Task.IsCompleted && !Cancellation.IsCancellationRequested)
            {
                await Task.WhenAny(goOn.Task, Task.Delay(TimeSpan.FromMilliseconds(200)));
                SendPart(link, request, text.Length, "x");
                text += "x";
            }

            Answer(link, request, text + "\"}}</tool_call>");
        }
    }

    [Fact]
    public async Task Failure_after_a_comment_is_an_event()
    {
        var goOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var worker = await DirectWorker.StartAsync(Queue, (self, link, request) => _ = RefuseLaterAsync(self, link, request));
        using var client = platform.Admin();
        using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = Digits.Json(Request) };

        using var response = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        goOn.SetResult();
        var events = ChatModel.Events(await response.Content.ReadAsStringAsync(Cancellation));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var error = JsonDocument.Parse(events[^1]).RootElement.GetProperty("error");
        Assert.Contains($"answered by {worker.Id}", error.GetProperty("message").GetString(), StringComparison.Ordinal);

        async Task RefuseLaterAsync(DirectWorker self, DirectLink link, InferenceRequest request)
        {
            await goOn.Task;
            self.Answer(link, request);
        }
    }

    private static void AssertBroken(string[] events, string text, string reason)
    {
        Assert.Equal(text, string.Concat(ChatModel.Texts(events[..^1])));
        Assert.All(events[..^1], e => Assert.Equal(
            JsonValueKind.Null,
            JsonDocument.Parse(e).RootElement.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind));
        var error = JsonDocument.Parse(events[^1]).RootElement.GetProperty("error");
        Assert.Equal("server_error", error.GetProperty("type").GetString());
        Assert.Contains(reason, error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private static void SendPart(DirectLink link, InferenceRequest request, int start, string text) => link.Send(
        FrameType.Part, DirectMessages.Encode(new DirectPart(request.Id, start, Encoding.UTF8.GetBytes(text))));

    // What was sent has to leave first.
    private static async Task EndAsync(DirectLink link)
    {
        await link.FlushedAsync(Wait.DefaultLimit, TimeProvider.System);
        link.Dispose();
    }

    private static void Answer(DirectLink link, InferenceRequest request, string text)
    {
        var reply = new ReplyBatch();
        Write(reply, request, text);
        link.Send(FrameType.Replies, reply.Written.Span);
    }

    private static void Write(ReplyBatch reply, InferenceRequest request, string text)
    {
        reply.Add(request.Id, ReplyOutcome.Completed, null, default, default, 1, "w", outputs: 3);
        reply.AddOutput("text", Datatype.Bytes, [1], Bytes(text));
        reply.AddOutput("finish_reason", Datatype.Bytes, [1], Bytes("stop"));
        reply.AddOutput("usage", Datatype.Int64, [2], new byte[16]);

        static byte[] Bytes(string value) =>
            [.. BitConverter.GetBytes(Encoding.UTF8.GetByteCount(value)), .. Encoding.UTF8.GetBytes(value)];
    }

    private async Task<string[]> StreamAsync()
    {
        using var client = platform.Admin();
        using var response = await client.PostAsync("/v1/chat/completions", Digits.Json(Request), Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return ChatModel.Events(await response.Content.ReadAsStringAsync(Cancellation));
    }
}
