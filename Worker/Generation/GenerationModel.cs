using System.Globalization;
using System.Text.Json;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace InferenceTemplate.Worker.Generation;

/// <summary>
/// A model that generates text, open in ONNX Runtime GenAI. One thread makes all its calls but those of its <see cref="ChatTemplate"/>: it
/// takes new requests between two steps, and a step gives each running answer one token. So none waits for another to end, and none depends
/// on what is beside it.
/// </summary>
internal sealed class GenerationModel : IDisposable
{
    // On average over a whole context; of common text it is four.
    private const int MostCharactersOfToken = 32;

    private const int MostCharactersOfWord = 10_000;

    // What a chat template adds to them.
    private const int MostCharactersOfTemplate = 64 << 10;

    // A step of a long prompt takes seconds. What goes on beyond that closes the model when it has ended.
    private static readonly TimeSpan LongestClose = TimeSpan.FromSeconds(10);

    private static int s_open;
    private static bool s_wasUsed;

    private readonly object _lock = new();
    private readonly Queue<RunningAnswer> _new = new();
    private readonly GenerationConfig _config;
    private readonly int _maxTokens;
    private readonly ChatTemplate _template;
    private readonly Thread _thread;
    private bool _closed;

    // Threads, of which the last disposes it.
    private int _tokenizerUsers = 2;
    private int _running;
    private long _steps;

    private GenerationModel(GenerationConfig config, int maxTokens, TimeSpan templateTime, Model model, Tokenizer tokenizer)
    {
        (_config, _maxTokens) = (config, maxTokens);
        Interlocked.Increment(ref s_open);
        _template = new ChatTemplate(tokenizer, config.Folder, templateTime, () => Leave(tokenizer));
        _thread = new Thread(() => Run(model, tokenizer)) { IsBackground = true, Name = $"generation {Path.GetFileName(config.Folder)}" };
        _thread.Start();
    }

    /// <summary>Tokens of a prompt and its answer together.</summary>
    public int ContextLength => _config.ContextLength;

    /// <summary>Answers that are generated now.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>Steps made since it was opened.</summary>
    public long Steps => Interlocked.Read(ref _steps);

    /// <param name="threads">Threads within one operator, where the configuration names none; 0 for one per core.</param>
    /// <param name="maxTokens">Tokens that one request may generate.</param>
    /// <param name="templateTime">That its chat template may take for the messages of one request.</param>
    /// <exception cref="OnnxRuntimeGenAIException">They are no model that can be opened.</exception>
    public static GenerationModel Open(GenerationConfig config, int threads, int maxTokens, TimeSpan templateTime)
    {
        Volatile.Write(ref s_wasUsed, true);
        using var settings = new Config(config.Folder);

        // What is written of failed runs has values of the request in it; idle threads that spin take cores from others.
        settings.ClearProviders();
        // No id stands for padding: of one prompt at a time nothing is padded, and the library reads past those at a prompt's end, or
        // before its buffer where there is nothing else.
        settings.Overlay("""
            {"model":{"pad_token_id":-1,"decoder":{"session_options":{"log_severity_level":4,"session.intra_op.allow_spinning":"0"}}}}
            """);
        if (!config.SetsThreads && threads > 0)
        {
            settings.Overlay(
                "{\"model\":{\"decoder\":{\"session_options\":{\"intra_op_num_threads\":"
                + threads.ToString(CultureInfo.InvariantCulture) + "}}}}");
        }

        var model = new Model(settings);
        try
        {
            return new GenerationModel(config, maxTokens, templateTime, model, new Tokenizer(model));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Has an answer generated; its end says how that went.</summary>
    /// <exception cref="ObjectDisposedException">The model is closed.</exception>
    public void Start(RunningAnswer answer)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
        }

        var request = answer.Request;
        try
        {
            RefuseHopeless(request);
        }
        catch (RefusedInputException exception)
        {
            answer.Fail(exception);
            return;
        }

        if (request.Messages is { } messages)
        {
            _template.Make(messages, request.Tools, text => TakeTemplated(answer, text), answer.Fail);
        }
        else
        {
            Take(answer);
        }
    }

    /// <summary>Has the chat template make a prompt of messages that is not answered, and waits for it.</summary>
    /// <returns>What no caller may do to a worker; null where it made one, or refused.</returns>
    public string? TryTemplate(GenerationMessage[] messages, JsonElement? tools)
    {
        var end = new TaskCompletionSource<Exception?>();
        _template.Make(messages, tools, _ => end.SetResult(null), end.SetResult);
        var failure = end.Task.GetAwaiter().GetResult();
        return _template.IsLate ? "takes too long"
            : failure is not null && RunFailures.Classify(failure) == RunFailure.Memory
                ? $"needs more memory than is allowed: {RuntimeMessage.Of(failure)}"
            : null;
    }

    /// <summary>For the end of the process, once all models are closed: the library wants to be told.</summary>
    public static void ShutDown()
    {
        if (Volatile.Read(ref s_wasUsed) && Volatile.Read(ref s_open) == 0)
        {
            new OgaHandle().Dispose();
        }
    }

    /// <summary>Ends what runs, and closes the model, once that has ended.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.Pulse(_lock);
        }

        _template.Close(LongestClose);
        _thread.Join(LongestClose);
    }

    public static OperationCanceledException Closed() => new("The model was closed.");

    private void TakeTemplated(RunningAnswer answer, string prompt)
    {
        answer.Templated = prompt;
        if (prompt.Length > ((long)ContextLength * MostCharactersOfToken) + MostCharactersOfTemplate)
        {
            answer.Fail(new RefusedInputException(
                $"messages: the {prompt.Length} characters that the chat template makes of them are {GenerationSignature.ContextExceeded}, "
                + $"which is {ContextLength} tokens"));
        }
        else if (LongestWord(prompt) is var length and > 2 * MostCharactersOfWord)
        {
            answer.Fail(new RefusedInputException(
                $"messages: the chat template makes {length} characters in a row of them that are letters, spaces or neither; up to "
                + $"{2 * MostCharactersOfWord} are possible"));
        }
        else
        {
            Take(answer);
        }
    }

    private void Take(RunningAnswer answer)
    {
        lock (_lock)
        {
            if (!_closed)
            {
                _new.Enqueue(answer);
                Monitor.Pulse(_lock);
                return;
            }
        }

        answer.Fail(Closed());
    }

    private void Run(Model model, Tokenizer tokenizer)
    {
        List<Sequence> running = [];
        while (TryNext(running.Count == 0, out var started))
        {
            // One at a time: those that run get their next token between the prompts of others.
            if (started is not null && Begin(model, tokenizer, started) is { } begun)
            {
                running.Add(begun);
            }

            Volatile.Write(ref _running, running.Count);
            for (var i = running.Count - 1; i >= 0; i--)
            {
                if (!running[i].Step())
                {
                    running[i].Dispose();
                    running.RemoveAt(i);
                }
            }

            Volatile.Write(ref _running, running.Count);
            Interlocked.Increment(ref _steps);
        }

        foreach (var sequence in running)
        {
            sequence.Fail(Closed());
            sequence.Dispose();
        }

        model.Dispose();
        Leave(tokenizer);
    }

    private void Leave(Tokenizer tokenizer)
    {
        if (Interlocked.Decrement(ref _tokenizerUsers) == 0)
        {
            tokenizer.Dispose();
            Interlocked.Decrement(ref s_open);
        }
    }

    // False once it is closed.
    private bool TryNext(bool idle, out RunningAnswer? started)
    {
        lock (_lock)
        {
            while (idle && _new.Count == 0 && !_closed)
            {
                Monitor.Wait(_lock);
            }

            if (!_closed)
            {
                _new.TryDequeue(out started);
                return true;
            }

            while (_new.TryDequeue(out started))
            {
                started.Fail(Closed());
            }

            return false;
        }
    }

    private Sequence? Begin(Model model, Tokenizer tokenizer, RunningAnswer answer)
    {
        if (answer.IsCancelled)
        {
            answer.Fail(new OperationCanceledException("The answer was ended before it began."));
            return null;
        }

        try
        {
            var request = answer.Request;
            var tokens = request.PromptTokens ?? Encoded(tokenizer, request, answer.Templated);
            answer.PromptTokens = tokens.Length;
            return new Sequence(model, tokenizer, answer, tokens, LengthFor(request, tokens.Length));
        }
        catch (Exception exception)
        {
            answer.Fail(exception);
            return null;
        }
    }

    private int[] Encoded(Tokenizer tokenizer, GenerationRequest request, string? templated)
    {
        using var prompt = tokenizer.Encode(request.Prompt ?? templated!);
        var tokens = prompt[0];
        return request.Prompt is not null && _config.AddsBeginning && tokens is not [] && tokens[0] != tokenizer.GetBosTokenId()
            ? [tokenizer.GetBosTokenId(), .. tokens]
            : tokens.ToArray();
    }

    // Cutting megabytes into tokens would hold up all others; so would a long word, of which the time goes by the square.
    private void RefuseHopeless(GenerationRequest request)
    {
        if (!_config.TakesTools
            && (request.Tools is not null || request.Messages?.Any(m => m.Role == "tool" || m.ToolCalls is not null) == true))
        {
            throw new RefusedInputException("tools: the chat template of the model takes none");
        }

        if (request.PromptTokens is not null && _config.VocabularySize <= 0)
        {
            throw new RefusedInputException(
                $"prompt: the {GenerationConfig.FileName} of the model has no model.vocab_size, without which it takes no token ids; text "
                + "is possible");
        }

        if (Array.FindIndex(request.PromptTokens ?? [], id => id < 0 || id >= _config.VocabularySize) is >= 0 and var wrong)
        {
            throw new RefusedInputException(
                $"prompt: it has the token id {request.PromptTokens![wrong]} at {wrong}; "
                + $"those of the model are 0 to {_config.VocabularySize - 1}");
        }

        List<string> texts = request.Messages is null
            ? request.Prompt is { } prompt ? [prompt] : []
            : [.. request.Messages.Select(m => m.Content), .. request.Messages.Select(m => m.ToolCalls?.GetRawText()).OfType<string>()];
        if (request.Tools is { } tools)
        {
            texts.Add(tools.GetRawText());
        }

        foreach (var text in texts)
        {
            if (LongestWord(text) is var length and > MostCharactersOfWord)
            {
                throw new RefusedInputException(
                    $"{FieldOf(request)}: {length} characters in a row are letters, spaces or neither; up to {MostCharactersOfWord} are "
                    + "possible");
            }
        }

        var characters = texts.Sum(t => (long)t.Length);
        if (characters > (long)ContextLength * MostCharactersOfToken)
        {
            throw new RefusedInputException(
                $"{FieldOf(request)}: {characters} characters are {GenerationSignature.ContextExceeded}, which is {ContextLength} tokens");
        }
    }

    // What byte pair encodings take for one word: letters and digits, or spaces, or neither.
    private static int LongestWord(string text)
    {
        var (longest, length, last) = (0, 0, -1);
        foreach (var c in text)
        {
            var kind = char.IsWhiteSpace(c) ? 0 : char.IsLetterOrDigit(c) ? 1 : 2;
            length = kind == last ? length + 1 : 1;
            (last, longest) = (kind, Math.Max(longest, length));
        }

        return longest;
    }

    private static string FieldOf(GenerationRequest request) => request.Messages is null ? "prompt" : "messages";

    // Of the whole sequence.
    private int LengthFor(GenerationRequest request, int prompt)
    {
        var field = FieldOf(request);
        if (prompt == 0)
        {
            throw new RefusedInputException($"{field}: no token comes of it");
        }

        if (request.MaxTokens > _maxTokens)
        {
            throw new RefusedInputException(
                $"max_tokens: {request.MaxTokens} given, up to {_maxTokens} are possible here (Generation:MaxTokens)");
        }

        if ((long)prompt + (request.MaxTokens ?? 1) > ContextLength)
        {
            throw new RefusedInputException(
                $"{field}: {prompt} tokens, and {request.MaxTokens ?? 1} to generate, are {GenerationSignature.ContextExceeded}, which "
                + $"is {ContextLength} tokens");
        }

        return prompt + (request.MaxTokens ?? Math.Min(_maxTokens, ContextLength - prompt));
    }
}
