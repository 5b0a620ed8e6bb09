using System.Diagnostics;
using System.Text;
using InferenceTemplate.Core.Generation;

namespace InferenceTemplate.Worker.Generation;

/// <summary>One answer while it is generated. All but its end and its cancellation belongs to the loop's thread.</summary>
/// <param name="parts">Gets each part of the text, on the loop's thread; null where nobody wants parts.</param>
internal sealed class RunningAnswer(GenerationRequest request, Action<string>? parts)
{
    private readonly TaskCompletionSource<GeneratedText> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StopText _stop = new(request.Stop);
    private readonly StringBuilder _text = new();
    private readonly long _started = Stopwatch.GetTimestamp();
    private TimeSpan? _first;
    private volatile bool _cancelled;

    public GenerationRequest Request => request;

    public Task<GeneratedText> End => _end.Task;

    public bool IsCancelled => _cancelled;

    public int PromptTokens { get; set; }

    /// <summary>What the chat template made of its messages; null where it has none.</summary>
    public string? Templated { get; set; }

    public int Tokens { get; private set; }

    /// <summary>How long the model has computed for this answer and for no other.</summary>
    public TimeSpan Computed { get; private set; }

    /// <summary>What is certain of it so far.</summary>
    public string Text => _text.ToString();

    /// <summary>Whether a stop text has come.</summary>
    public bool IsStopped => _stop.Found;

    /// <summary>Ends it at the loop's next step.</summary>
    public void Cancel() => _cancelled = true;

    /// <param name="start">Timestamp of what the model has just computed for it.</param>
    public void Count(long start) => Computed += Stopwatch.GetElapsedTime(start);

    /// <summary>Takes a token's text, which may be none where a character is not whole yet.</summary>
    public void Add(string piece)
    {
        Tokens++;
        _first ??= Stopwatch.GetElapsedTime(_started);
        Tell(_stop.Take(piece));
    }

    public void Complete(string reason)
    {
        Tell(_stop.Rest());
        var total = Stopwatch.GetElapsedTime(_started);
        _end.TrySetResult(new GeneratedText(_text.ToString(), reason, PromptTokens, Tokens, _first ?? total, total)
        {
            Computed = Computed,
        });
    }

    public void Fail(Exception exception) => _end.TrySetException(exception);

    private void Tell(string text)
    {
        if (text.Length > 0)
        {
            _text.Append(text);
            parts?.Invoke(text);
        }
    }
}

/// <param name="Reason"><see cref="GenerationSignature.Stop"/> or <see cref="GenerationSignature.Length"/>.</param>
/// <param name="First">Until the first token.</param>
/// <param name="Total">Until the last, the turns of others included.</param>
internal sealed record GeneratedText(string Text, string Reason, int PromptTokens, int Tokens, TimeSpan First, TimeSpan Total)
{
    /// <summary>How long the model has computed for it alone: what it costs.</summary>
    public TimeSpan Computed { get; init; }
}
