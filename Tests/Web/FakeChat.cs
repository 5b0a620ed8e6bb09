using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;

namespace InferenceTemplate.Tests.Web;

/// <summary>A model that generates text, which says what a test has it say, when it does.</summary>
public sealed class FakeChat
{
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConcurrentQueue<Channel<string>> _whole = new();
    private readonly Lock _lock = new();
    private Channel<string> _events = Channel.CreateUnbounded<string>();
    private bool _taken;
    private int _left;

    /// <summary>Whether there is such a model.</summary>
    public bool Registered { get; set; }

    /// <summary>What requests are refused with; null where they are answered.</summary>
    public (int Status, string Body)? Refusal { get; set; }

    public IReadOnlyList<string> Requests => [.. _requests];

    /// <summary>How many callers left before their answer was whole.</summary>
    public int Left => _left;

    /// <summary>A part of the answer that is under way or comes next.</summary>
    public void Say(string text) => Send($$"""{"choices":[{"index":0,"delta":{"content":"{{text}}"},"finish_reason":null}],"usage":null}""");

    public void Send(string data) => _events.Writer.TryWrite(data);

    /// <summary>The end of a whole answer.</summary>
    public void End(string reason = "stop", int prompt = 9, int generated = 42)
    {
        Send($$"""{"choices":[{"index":0,"delta":{},"finish_reason":"{{reason}}"}],"usage":null}""");
        Send($$"""{"choices":[],"usage":{"prompt_tokens":{{prompt}},"completion_tokens":{{generated}},"total_tokens":{{prompt + generated}}} }""");
        Send("[DONE]");
        Close();
    }

    /// <summary>Ends the answer, whole or not; the next begins.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _events.Writer.TryComplete();
            if (!_taken)
            {
                _whole.Enqueue(_events);
            }

            (_events, _taken) = (Channel.CreateUnbounded<string>(), false);
        }
    }

    public void Reset()
    {
        (Registered, Refusal, _left) = (false, null, 0);
        _requests.Clear();
        Close();
        _whole.Clear();
    }

    private ChannelReader<string> Next()
    {
        lock (_lock)
        {
            if (_whole.TryDequeue(out var whole))
            {
                return whole.Reader;
            }

            _taken = true;
            return _events.Reader;
        }
    }

    internal async Task AnswerAsync(HttpContext context, bool isSignedIn)
    {
        using var reader = new StreamReader(context.Request.Body);
        var request = await reader.ReadToEndAsync();
        if (!isSignedIn || Refusal is not null)
        {
            var (status, body) = Refusal ?? (401, """{"error":{"message":"credentials are missing","code":"invalid_api_key"}}""");
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(body);
            return;
        }

        var events = Next();
        _requests.Enqueue(request);
        context.Response.ContentType = "text/event-stream";
        try
        {
            await foreach (var data in events.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.WriteAsync($"data: {data}\n\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _left);
        }
    }
}
