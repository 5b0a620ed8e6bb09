using System.Text;
using System.Text.Json;
using InferenceTemplate.Core.Generation;

namespace InferenceTemplate.Api.Chat;

/// <summary>A call that a model asks for.</summary>
/// <param name="Arguments">An object, as JSON.</param>
internal sealed record ToolCall(string Id, string Name, string Arguments);

/// <summary>
/// Tells the calls in a generated text from the rest, as it comes: those of Qwen and Hermes between marks, and answers that are
/// <see cref="BareCalls"/>. What looks like one and is none of the tools, or no JSON, stays text.
/// </summary>
internal sealed class ToolCallText(IReadOnlySet<string> tools)
{
    private string _held = "";

    // Until an answer says that it is more than calls alone.
    private bool _mayBeBare = true;

    /// <summary>Calls so far.</summary>
    public int Count { get; private set; }

    /// <summary>Takes the next piece: what is certain to be text, and the calls that ended in it.</summary>
    public (string Text, List<ToolCall> Calls) Take(string piece)
    {
        var (text, calls) = (new StringBuilder(), new List<ToolCall>());
        _held += piece;
        if (_mayBeBare && BareCalls.MayBe(_held))
        {
            return ("", []);
        }

        _mayBeBare = false;
        while (true)
        {
            var open = _held.IndexOf(GenerationTools.Open, StringComparison.Ordinal);
            if (open < 0)
            {
                var certain = _held.Length - Beginning(_held);
                text.Append(_held, 0, certain);
                _held = _held[certain..];
                break;
            }

            text.Append(_held, 0, open);
            var (call, end) = Cut(open);
            if (end < 0)
            {
                _held = _held[open..];
                break;
            }

            if (call is not null)
            {
                calls.Add(call);
            }
            else
            {
                text.Append(_held, open, end - open);
            }

            _held = _held[end..];
        }

        return (Shown(text), calls);
    }

    /// <summary>What was held back, where nothing more comes; a model may leave the last mark out.</summary>
    public (string Text, List<ToolCall> Calls) Rest()
    {
        var rest = _held;
        _held = "";
        if (_mayBeBare)
        {
            var bare = BareCalls.Read(rest, tools);
            Count += bare?.Count ?? 0;
            return bare is null ? (rest, []) : ("", bare.ConvertAll(call => new ToolCall(NewId(), call.Name, call.Arguments)));
        }

        return rest.StartsWith(GenerationTools.Open, StringComparison.Ordinal) && CallOf(rest[GenerationTools.Open.Length..]) is { } call
            ? ("", [call])
            : (rest, []);
    }

    // The mark of the end may stand in a text among the arguments: then what is before it is unfinished JSON.
    private (ToolCall? Call, int End) Cut(int open)
    {
        var start = open + GenerationTools.Open.Length;
        var close = _held.IndexOf(GenerationTools.Close, start, StringComparison.Ordinal);
        while (close >= 0)
        {
            var end = close + GenerationTools.Close.Length;
            var json = _held[start..close];
            if (CallOf(json) is { } call)
            {
                return (call, end);
            }

            if (!IsUnfinished(json))
            {
                return (null, end);
            }

            close = _held.IndexOf(GenerationTools.Close, end, StringComparison.Ordinal);
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
        return Count > 0 && string.IsNullOrWhiteSpace(shown) ? "" : shown;
    }

    private ToolCall? CallOf(string json)
    {
        try
        {
            using var read = JsonDocument.Parse(json);
            if (read.RootElement.ValueKind == JsonValueKind.Object
                && read.RootElement.TryGetProperty("name"u8, out var name)
                && name.ValueKind == JsonValueKind.String
                && tools.Contains(name.GetString()!)
                && read.RootElement.TryGetProperty("arguments"u8, out var arguments)
                && arguments.ValueKind == JsonValueKind.Object)
            {
                Count++;
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

    private static int Beginning(string text)
    {
        for (var length = Math.Min(text.Length, GenerationTools.Open.Length - 1); length > 0; length--)
        {
            if (text.AsSpan(text.Length - length).SequenceEqual(GenerationTools.Open.AsSpan(0, length)))
            {
                return length;
            }
        }

        return 0;
    }
}
