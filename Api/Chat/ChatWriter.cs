using System.Buffers;
using System.Text.Json;
using InferenceTemplate.Core.Generation;

namespace InferenceTemplate.Api.Chat;

/// <summary>What a model has generated for one request.</summary>
internal sealed record Generated(string Text, string FinishReason, long PromptTokens, long CompletionTokens);

/// <summary>Writes answers, whole and as events, in the forms of chat or of completions.</summary>
/// <param name="tools">What an answer may call; nothing where it is text.</param>
internal sealed class ChatWriter(bool chat, string model, DateTimeOffset now, bool includeUsage, CallableTools tools)
{
    private const string ToolCalls = "tool_calls";

    private readonly ToolCallText? _calls = tools.Names.Count > 0 ? new ToolCallText(tools) : null;
    private readonly string _id = $"{(chat ? "chatcmpl" : "cmpl")}-{Guid.CreateVersion7(now):N}";

    /// <summary>The whole answer.</summary>
    public void Whole(IBufferWriter<byte> target, Generated generated)
    {
        var (text, calls) = _calls?.Take(generated.Text) ?? (generated.Text, []);
        if (_calls is not null)
        {
            var (rest, last) = _calls.Rest();
            (text, calls) = (text + rest, [.. calls, .. last]);
        }

        Write(target, chat ? "chat.completion" : "text_completion", json =>
        {
            json.WriteStartArray("choices"u8);
            json.WriteStartObject();
            json.WriteNumber("index"u8, 0);
            if (chat)
            {
                json.WriteStartObject("message"u8);
                json.WriteString("role"u8, "assistant"u8);
                json.WriteString("content"u8, calls.Count > 0 && text.Length == 0 ? null : text);
                Calls(json, calls, first: null);
                json.WriteNull("refusal"u8);
                json.WriteEndObject();
            }
            else
            {
                json.WriteString("text"u8, text);
            }

            json.WriteNull("logprobs"u8);
            json.WriteString("finish_reason"u8, ReasonOf(generated));
            json.WriteEndObject();
            json.WriteEndArray();
            Usage(json, generated);
        });
    }

    /// <summary>The event with which a chat's answer begins; completions have none.</summary>
    public void Begin(IBufferWriter<byte> target)
    {
        if (chat)
        {
            Choice(target, "", "assistant", null);
        }
    }

    /// <summary>Whether anything was written: what may be a call is held back.</summary>
    public bool Part(IBufferWriter<byte> target, string text)
    {
        if (_calls is null)
        {
            Choice(target, text, null, null);
            return true;
        }

        var first = _calls.Count;
        var (certain, calls) = _calls.Take(text);
        Parts(target, certain, calls, first);
        return certain.Length > 0 || calls.Count > 0;
    }

    /// <summary>The events that say that the answer is whole.</summary>
    public void End(IBufferWriter<byte> target, Generated generated)
    {
        if (_calls is not null)
        {
            var first = _calls.Count;
            var (rest, last) = _calls.Rest();
            Parts(target, rest, last, first);
        }

        Choice(target, null, null, ReasonOf(generated));
        if (includeUsage)
        {
            Event(target, json =>
            {
                json.WriteStartArray("choices"u8);
                json.WriteEndArray();
                Usage(json, generated);
            });
        }

        target.Write("data: [DONE]\n\n"u8);
    }

    // An answer that was cut off is none to act on, whatever calls there are in what came of it.
    private string ReasonOf(Generated generated) =>
        _calls is { Count: > 0 } && generated.FinishReason == GenerationSignature.Stop ? ToolCalls : generated.FinishReason;

    private void Parts(IBufferWriter<byte> target, string text, List<ToolCall> calls, int first)
    {
        if (text.Length > 0)
        {
            Choice(target, text, null, null);
        }

        if (calls.Count > 0)
        {
            Choice(target, null, null, null, calls, first);
        }
    }

    /// <param name="first">Which of the answer's calls the first is; null where they are whole and so need no number.</param>
    private static void Calls(Utf8JsonWriter json, List<ToolCall> calls, int? first)
    {
        if (calls.Count == 0)
        {
            return;
        }

        json.WriteStartArray(ToolCalls);
        for (var i = 0; i < calls.Count; i++)
        {
            json.WriteStartObject();
            if (first is not null)
            {
                json.WriteNumber("index"u8, first.Value + i);
            }

            json.WriteString("id"u8, calls[i].Id);
            json.WriteString("type"u8, "function"u8);
            json.WriteStartObject("function"u8);
            json.WriteString("name"u8, calls[i].Name);
            json.WriteString("arguments"u8, calls[i].Arguments);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void Choice(
        IBufferWriter<byte> target, string? text, string? role, string? reason, List<ToolCall>? calls = null, int first = 0) => Event(
        target, json =>
    {
        json.WriteStartArray("choices"u8);
        json.WriteStartObject();
        json.WriteNumber("index"u8, 0);
        if (chat)
        {
            json.WriteStartObject("delta"u8);
            if (role is not null)
            {
                json.WriteString("role"u8, role);
            }

            if (text is not null)
            {
                json.WriteString("content"u8, text);
            }

            Calls(json, calls ?? [], first);
            json.WriteEndObject();
        }
        else
        {
            json.WriteString("text"u8, text ?? "");
        }

        json.WriteNull("logprobs"u8);
        json.WriteString("finish_reason"u8, reason);
        json.WriteEndObject();
        json.WriteEndArray();
        if (includeUsage)
        {
            json.WriteNull("usage"u8);
        }
    });

    private void Event(IBufferWriter<byte> target, Action<Utf8JsonWriter> write)
    {
        target.Write("data: "u8);
        Write(target, chat ? "chat.completion.chunk" : "text_completion", write);
        target.Write("\n\n"u8);
    }

    private void Write(IBufferWriter<byte> target, string kind, Action<Utf8JsonWriter> write)
    {
        using var json = new Utf8JsonWriter(target, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("id"u8, _id);
        json.WriteString("object"u8, kind);
        json.WriteNumber("created"u8, now.ToUnixTimeSeconds());
        json.WriteString("model"u8, model);
        write(json);
        json.WriteEndObject();
    }

    private static void Usage(Utf8JsonWriter json, Generated generated)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, generated.PromptTokens);
        json.WriteNumber("completion_tokens"u8, generated.CompletionTokens);
        json.WriteNumber("total_tokens"u8, generated.PromptTokens + generated.CompletionTokens);
        json.WriteEndObject();
    }
}
