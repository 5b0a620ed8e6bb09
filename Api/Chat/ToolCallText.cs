using System.Text;
using System.Text.Json;
using InferenceTemplate.Core.Generation;

namespace InferenceTemplate.Api.Chat;

/// <summary>A call that a model asks for.</summary>
/// <param name="Arguments">An object, as JSON.</param>
internal sealed record ToolCall(string Id, string Name, string Arguments);

/// <param name="Names">Of the functions.</param>
/// <param name="Parallel">Whether an answer may have more calls than one; else those after the first are left out.</param>
internal sealed record CallableTools(IReadOnlySet<string> Names, bool Parallel);

/// <summary>
/// Tells the calls in a generated text from the rest, as it comes: those of Qwen and Hermes between marks, and answers that are
/// <see cref="BareCalls"/>. What looks like one and is none of the tools, or no JSON, stays text.
/// </summary>
internal sealed class ToolCallText(CallableTools tools)
{
    private readonly StringBuilder _held = new();

    // Until an answer says that it is more than calls alone.
    private bool _mayBeBare = true;
    private string _beginning = "";

    // Also those that are left out.
    private int _found;

    // What is held begins with the mark of a call, of which the end is still to come.
    private bool _isInCall;

    /// <summary>Calls so far.</summary>
    public int Count { get; private set; }

    /// <summary>Takes the next piece: what is certain to be text, and the calls that ended in it.</summary>
    public (string Text, List<ToolCall> Calls) Take(string piece)
    {
        _held.Append(piece);
        if (_mayBeBare)
        {
            _beginning = BareCalls.Beginning(_beginning, piece);
            _mayBeBare = BareCalls.MayBe(_beginning);
        }

        // Without its last character there is no mark of an end: a long call is not read anew with each piece.
        return _mayBeBare || (_isInCall && !piece.Contains(GenerationTools.Close[^1])) ? ("", []) : Given(Read());
    }

    /// <summary>What was held back, where nothing more comes; a model may leave the last mark out.</summary>
    public (string Text, List<ToolCall> Calls) Rest() => Given(Held());

    private (string Text, List<ToolCall> Calls) Given((string Text, List<ToolCall> Calls) read)
    {
        var calls = tools.Parallel ? read.Calls : read.Calls[..Math.Min(read.Calls.Count, 1 - Count)];
        Count += calls.Count;
        return (read.Text, calls);
    }

    private (string Text, List<ToolCall> Calls) Held()
    {
        var (text, calls) = ("", new List<ToolCall>());
        if (_mayBeBare)
        {
            _mayBeBare = false;
            if (BareCalls.Read(_held.ToString(), tools.Names) is { } bare)
            {
                _held.Clear();
                _found += bare.Count;
                return ("", bare.ConvertAll(call => new ToolCall(NewId(), call.Name, call.Arguments)));
            }

            (text, calls) = Read();
        }

        var rest = _held.ToString();
        _held.Clear();
        _isInCall = false;
        if (rest.StartsWith(GenerationTools.Open, StringComparison.Ordinal) && CallOf(rest[GenerationTools.Open.Length..]) is { } last)
        {
            return (text, [.. calls, last]);
        }

        return (text + rest, calls);
    }

    private (string Text, List<ToolCall> Calls) Read()
    {
        var (text, calls) = (new StringBuilder(), new List<ToolCall>());
        var held = _held.ToString();
        var at = 0;
        while (true)
        {
            var open = held.IndexOf(GenerationTools.Open, at, StringComparison.Ordinal);
            if (open < 0)
            {
                var certain = held.Length - Beginning(held.AsSpan(at));
                text.Append(held, at, certain - at);
                (at, _isInCall) = (certain, false);
                break;
            }

            text.Append(held, at, open - at);
            var (call, end) = Cut(held, open);
            if (end < 0)
            {
                (at, _isInCall) = (open, true);
                break;
            }

            if (call is not null)
            {
                calls.Add(call);
            }
            else
            {
                text.Append(held, open, end - open);
            }

            at = end;
        }

        _held.Remove(0, at);
        return (Shown(text), calls);
    }

    // The mark of the end may stand in a text among the arguments: then what is before it is unfinished JSON.
    private (ToolCall? Call, int End) Cut(string held, int open)
    {
        var start = open + GenerationTools.Open.Length;
        var close = held.IndexOf(GenerationTools.Close, start, StringComparison.Ordinal);
        while (close >= 0)
        {
            var end = close + GenerationTools.Close.Length;
            var json = held[start..close];
            if (CallOf(json) is { } call)
            {
                return (call, end);
            }

            if (!IsUnfinished(json))
            {
                return (null, end);
            }

            close = held.IndexOf(GenerationTools.Close, end, StringComparison.Ordinal);
        }

        return (null, -1);
    }

    private static bool IsUnfinished(string json)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json), isFinalBlock: false, state: default);
            while (reader.Read())
            {
                // To the end of what there is.
            }

            return reader.CurrentDepth > 0;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    // Lines between calls are no text of an answer.
    private string Shown(StringBuilder text)
    {
        var shown = text.ToString();
        return _found > 0 && string.IsNullOrWhiteSpace(shown) ? "" : shown;
    }

    private ToolCall? CallOf(string json)
    {
        try
        {
            using var read = JsonDocument.Parse(json);
            if (read.RootElement.ValueKind == JsonValueKind.Object
                && read.RootElement.TryGetProperty("name"u8, out var name)
                && name.ValueKind == JsonValueKind.String
                && tools.Names.Contains(name.GetString()!)
                && read.RootElement.TryGetProperty("arguments"u8, out var arguments)
                && arguments.ValueKind == JsonValueKind.Object)
            {
                _found++;
                return new ToolCall(NewId(), name.GetString()!, arguments.GetRawText());
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Text, then.
        }

        return null;
    }

    private static string NewId() => $"call_{Guid.NewGuid():N}";

    private static int Beginning(ReadOnlySpan<char> text)
    {
        for (var length = Math.Min(text.Length, GenerationTools.Open.Length - 1); length > 0; length--)
        {
            if (text[^length..].SequenceEqual(GenerationTools.Open.AsSpan(0, length)))
            {
                return length;
            }
        }

        return 0;
    }
}
