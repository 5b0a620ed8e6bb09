using System.Buffers;
using System.Text.Json;

namespace InferenceTemplate.Api.Chat;

/// <summary>What a model has generated for one request.</summary>
internal sealed record Generated(string Text, string FinishReason, long PromptTokens, long CompletionTokens);

/// <summary>Writes answers, whole and as events, in the forms of chat or of completions.</summary>
internal sealed class ChatWriter(bool chat, string model, DateTimeOffset now, bool includeUsage)
{
    private readonly string _id = $"{(chat ? "chatcmpl" : "cmpl")}-{Guid.CreateVersion7(now):N}";

    /// <summary>The whole answer.</summary>
    public void Whole(IBufferWriter<byte> target, Generated generated)
    {
        Write(target, chat ? "chat.completion" : "text_completion", json =>
        {
            json.WriteStartArray("choices"u8);
            json.WriteStartObject();
            json.WriteNumber("index"u8, 0);
            if (chat)
            {
                json.WriteStartObject("message"u8);
                json.WriteString("role"u8, "assistant"u8);
                json.WriteString("content"u8, generated.Text);
                json.WriteNull("refusal"u8);
                json.WriteEndObject();
            }
            else
            {
                json.WriteString("text"u8, generated.Text);
            }

            json.WriteNull("logprobs"u8);
            json.WriteString("finish_reason"u8, generated.FinishReason);
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

    public void Part(IBufferWriter<byte> target, string text) => Choice(target, text, null, null);

    /// <summary>The events that say that the answer is whole.</summary>
    public void End(IBufferWriter<byte> target, Generated generated)
    {
        Choice(target, null, null, generated.FinishReason);
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

    private void Choice(IBufferWriter<byte> target, string? text, string? role, string? reason) => Event(target, json =>
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
