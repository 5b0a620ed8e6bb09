using System.Collections.Concurrent;
using System.Text.Json;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace InferenceTemplate.Worker.Generation;

/// <summary>
/// Makes prompts of messages by the template that came with a model, one after the other on a thread of its own. It is a program of
/// whoever made the model, and none that can be stopped: where it takes too long nobody waits for it, and it is not asked again before it
/// has ended.
/// </summary>
internal sealed class ChatTemplate
{
    // By folder: one that goes on does so too where its model is closed and opened again.
    private static readonly ConcurrentDictionary<string, ChatTemplate> s_late = new(StringComparer.Ordinal);

    private readonly object _lock = new();
    private readonly Queue<Work> _waiting = new();
    private readonly Tokenizer _tokenizer;
    private readonly string _folder;
    private readonly TimeSpan _limit;
    private readonly Thread _thread;
    private Work? _running;
    private bool _late;
    private bool _closed;

    /// <param name="folder">Of the model's files.</param>
    /// <param name="limit">Of one prompt.</param>
    /// <param name="ended">Called when the tokenizer is not used any more, which may be long after it was closed.</param>
    public ChatTemplate(Tokenizer tokenizer, string folder, TimeSpan limit, Action ended)
    {
        (_tokenizer, _folder, _limit) = (tokenizer, folder, limit);
        _thread = new Thread(() => Run(ended)) { IsBackground = true, Name = $"chat template {Path.GetFileName(folder)}" };
        _thread.Start();
    }

    /// <summary>Whether it has been at one prompt for longer than it may.</summary>
    public bool IsLate => s_late.ContainsKey(_folder);

    /// <summary>Calls one of the two, on whatever thread.</summary>
    public void Make(GenerationMessage[] messages, JsonElement? tools, Action<string> made, Action<Exception> failed)
    {
        Exception refusal;
        lock (_lock)
        {
            if (!_closed && !IsLate)
            {
                _waiting.Enqueue(new Work(messages, tools, made, failed));
                Monitor.Pulse(_lock);
                return;
            }

            refusal = _closed ? GenerationModel.Closed() : TooLong();
        }

        failed(refusal);
    }

    /// <summary>Fails what waits. What is being made is waited for, unless it is late already.</summary>
    public void Close(TimeSpan longest)
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.Pulse(_lock);
        }

        FailWaiting(GenerationModel.Closed);
        if (!IsLate)
        {
            _thread.Join(longest);
        }
    }

    private void Run(Action ended)
    {
        while (Next() is { } work)
        {
            using var watch = new Timer(_ => GiveUp(work), null, _limit, Timeout.InfiniteTimeSpan);
            var (text, failure) = Apply(work);
            bool late;
            lock (_lock)
            {
                (late, _late, _running) = (_late, false, null);
                s_late.TryRemove(KeyValuePair.Create(_folder, this));
            }

            if (late)
            {
                continue;
            }

            if (text is not null)
            {
                work.Made(text);
            }
            else
            {
                work.Failed(failure!);
            }
        }

        ended();
    }

    // Null once it is closed.
    private Work? Next()
    {
        lock (_lock)
        {
            while (_waiting.Count == 0 && !_closed)
            {
                Monitor.Wait(_lock);
            }

            return _running = _closed ? null : _waiting.Dequeue();
        }
    }

    private (string? Text, Exception? Failure) Apply(Work work)
    {
        try
        {
            var json = JsonSerializer.Serialize(work.Messages, GenerationTemplateJson.Default.GenerationMessageArray);
            return (_tokenizer.ApplyChatTemplate("", json, work.Tools?.GetRawText() ?? "", true), null);
        }
        catch (OnnxRuntimeGenAIException exception) when (RunFailures.Classify(exception) != RunFailure.Memory)
        {
            return (null, new RefusedInputException(
                $"messages: the chat template of the model does not take them, a prompt needs none: {RuntimeMessage.Of(exception)}"));
        }
        catch (Exception exception)
        {
            return (null, exception);
        }
    }

    private void GiveUp(Work work)
    {
        lock (_lock)
        {
            // It may have ended in the last moment.
            if (!ReferenceEquals(_running, work))
            {
                return;
            }

            _late = true;
            s_late[_folder] = this;
        }

        work.Failed(TooLong());
        FailWaiting(TooLong);
    }

    private void FailWaiting(Func<Exception> failure)
    {
        Work[] waiting;
        lock (_lock)
        {
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        Array.ForEach(waiting, w => w.Failed(failure()));
    }

    private RefusedInputException TooLong() => new(
        $"messages: the chat template of the model is at one prompt for more than {_limit.TotalSeconds:0.###} s "
        + "(Generation:TemplateTime) and takes no other before that has ended; a prompt needs none");

    private sealed record Work(GenerationMessage[] Messages, JsonElement? Tools, Action<string> Made, Action<Exception> Failed);
}
