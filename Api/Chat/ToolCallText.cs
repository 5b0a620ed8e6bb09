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

    // How far that call was read for its end, and whether that is within a text among its arguments.
    private int _read;
    private bool _isInText;
    private bool _isEscaped;

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
                (at, _isInCall, _read) = (open, true, _read - open);
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

    // The mark of the end may stand in a text among the arguments, and is none there. Nothing is read twice, however many there are.
    private (ToolCall? Call, int End) Cut(string held, int open)
    {
        var start = open + GenerationTools.Open.Length;
        if (!_isInCall || open > 0)
        {
            (_read, _isInText, _isEscaped) = (start, false, false);
        }

        for (; _read < held.Length; _read++)
        {
            var c = held[_read];
            if (_isInText)
            {
                _isInText = c != '"' || _isEscaped;
                _isEscaped = c == '\\' && !_isEscaped;
            }
            else if (c == '"')
            {
                _isInText = true;
            }
            else if (c == GenerationTools.Close[0])
            {
                var rest = held.AsSpan(_read);
                if (rest.StartsWith(GenerationTools.Close, StringComparison.Ordinal))
                {
                    var (json, end) = (held[start.._read], _read + GenerationTools.Close.Length);
                    if (CallOf(json) is { } call)
                    {
                        return (call, end);
                    }

                    if (!IsUnfinished(json))
                    {
                        return (null, end);
                    }
                }
                else if (GenerationTools.Close.AsSpan().StartsWith(rest, StringComparison.Ordinal))
                {
                    // The rest of the mark may follow.
                    break;
                }
            }
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
