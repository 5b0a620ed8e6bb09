using System.Globalization;
using System.Text.Json;
using InferenceTemplate.Core.Generation;
using InferenceTemplate.Worker.Execution;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace InferenceTemplate.Worker.Generation;

/// <summary>
/// A model that generates text, open in ONNX Runtime GenAI. One thread makes all its calls: it takes new requests between two steps, and a
/// step gives each running answer one token. So none waits for another to end, and none depends on what is beside it.
/// </summary>
internal sealed class GenerationModel : IDisposable
{
    // On average over a whole context; of common text it is four.
    private const int MostCharactersOfToken = 32;

    private const int MostCharactersOfWord = 10_000;

    private static int s_open;
    private static bool s_wasUsed;

    private readonly object _lock = new();
    private readonly Queue<RunningAnswer> _new = new();
    private readonly GenerationConfig _config;
    private readonly int _maxTokens;
    private readonly Thread _thread;
    private bool _closed;
    private int _running;
    private long _steps;

    private GenerationModel(GenerationConfig config, int maxTokens, Model model, Tokenizer tokenizer)
    {
        (_config, _maxTokens) = (config, maxTokens);
        Interlocked.Increment(ref s_open);
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
    /// <exception cref="OnnxRuntimeGenAIException">They are no model that can be opened.</exception>
    public static GenerationModel Open(GenerationConfig config, int threads, int maxTokens)
    {
        Volatile.Write(ref s_wasUsed, true);
        using var settings = new Config(config.Folder);

        // What is written of failed runs has values of the request in it; idle threads that spin take cores from others.
        settings.ClearProviders();
        settings.Overlay("""
            {"model":{"decoder":{"session_options":{"log_severity_level":4,"session.intra_op.allow_spinning":"0"}}}}
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
            return new GenerationModel(config, maxTokens, model, new Tokenizer(model));
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
            _new.Enqueue(answer);
            Monitor.Pulse(_lock);
        }
    }

    /// <summary>For the end of the process, once all models are closed: the library wants to be told.</summary>
    public static void ShutDown()
    {
        if (Volatile.Read(ref s_wasUsed) && Volatile.Read(ref s_open) == 0)
        {
            new OgaHandle().Dispose();
        }
    }

    /// <summary>Ends what runs, and closes the model.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            Monitor.Pulse(_lock);
        }

        _thread.Join();
    }

    private void Run(Model model, Tokenizer tokenizer)
    {
        List<Sequence> running = [];
        while (Next(running.Count == 0) is { } started)
        {
            running.AddRange(started.Select(answer => Begin(model, tokenizer, answer)).OfType<Sequence>());
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

        tokenizer.Dispose();
        model.Dispose();
        Interlocked.Decrement(ref s_open);
    }

    private static OperationCanceledException Closed() => new("The model was closed.");

    // Null once it is closed.
    private RunningAnswer[]? Next(bool idle)
    {
        lock (_lock)
        {
            while (idle && _new.Count == 0 && !_closed)
            {
                Monitor.Wait(_lock);
            }

            RunningAnswer[] started = [.. _new];
            _new.Clear();
            if (!_closed)
            {
                return started;
            }

            Array.ForEach(started, answer => answer.Fail(Closed()));
            return null;
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
            RefuseHopeless(request);
            var tokens = request.PromptTokens ?? Encoded(tokenizer, request);
            answer.PromptTokens = tokens.Length;
            return new Sequence(model, tokenizer, answer, tokens, LengthFor(request, tokens.Length));
        }
        catch (Exception exception)
        {
            answer.Fail(exception);
            return null;
        }
    }

    private int[] Encoded(Tokenizer tokenizer, GenerationRequest request)
    {
        using var prompt = tokenizer.Encode(request.Prompt ?? Templated(tokenizer, request));
        var tokens = prompt[0];
        return request.Prompt is not null && _config.AddsBeginning && tokens is not [] && tokens[0] != tokenizer.GetBosTokenId()
            ? [tokenizer.GetBosTokenId(), .. tokens]
            : tokens.ToArray();
    }

    private static string Templated(Tokenizer tokenizer, GenerationRequest request)
    {
        try
        {
            var json = JsonSerializer.Serialize(request.Messages!, GenerationTemplateJson.Default.GenerationMessageArray);
            return tokenizer.ApplyChatTemplate("", json, request.Tools?.GetRawText() ?? "", true);
        }
        catch (OnnxRuntimeGenAIException exception)
        {
            throw new RefusedInputException(
                $"messages: the chat template of the model does not take them, a prompt needs none: {RuntimeMessage.Of(exception)}");
        }
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
