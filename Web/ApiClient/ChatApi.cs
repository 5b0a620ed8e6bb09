using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>Text that a model generates, part by part: <c>POST /v1/chat/completions</c>.</summary>
/// <param name="patient">It neither repeats a call nor ends it before its own time.</param>
internal sealed class ChatApi(ApiTransport patient)
{
    public const string Path = "/v1/chat/completions";

    /// <summary>The longest that an Api may be set to take for an answer, and a little more for its word on it.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(605);

    /// <summary>Has a conversation answered. Whoever cancels leaves the model's slot to others.</summary>
    /// <param name="said">Called with each part of the answer; what came before a failure stands.</param>
    public async Task<ApiResult<ChatEnd>> SendAsync(
        string accessToken, ChatRequest request, Action<string> said, CancellationToken cancellationToken)
    {
        using var content = new StringContent(request.ToJson(), Encoding.UTF8, "application/json");
        string? broken = null;
        var result = await patient.FollowAsync(
            HttpMethod.Post, Path, accessToken, content, Silence,
            async events =>
            {
                var end = new ChatEnd("", null);
                await foreach (var data in events)
                {
                    if (data == "[DONE]")
                    {
                        return end;
                    }

                    var part = JsonSerializer.Deserialize(data, ApiJson.Default.ChatEvent)!;
                    if (part.Failure is { } failure)
                    {
                        broken = failure;
                        return end;
                    }

                    if (part.Text is { Length: > 0 } text)
                    {
                        said(text);
                    }

                    end = new ChatEnd(part.FinishReason ?? end.FinishReason, part.Usage ?? end.Usage);
                }

                // Only [DONE] says that an answer is whole.
                broken = "The connection to the API ended before the answer did.";
                return end;
            },
            cancellationToken);
        return broken is null ? result : ApiResult<ChatEnd>.Failed(ApiFailure.Unexpected, broken);
    }
}

/// <param name="Model"><c>name:version</c>.</param>
/// <param name="MaxTokens">Null for as many as are possible.</param>
/// <param name="Temperature">Null for what the model's configuration says.</param>
public sealed record ChatRequest(
    string Model,
    IReadOnlyList<ChatMessage> Messages,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? MaxTokens,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Temperature,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? Stream = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] ChatStreamOptions? StreamOptions = null)
{
    public string ToJson() => JsonSerializer.Serialize(this, ApiJson.Default.ChatRequest);
}

/// <param name="Role"><c>system</c>, <c>user</c> or <c>assistant</c>.</param>
public sealed record ChatMessage(string Role, string Content);

public sealed record ChatStreamOptions(bool IncludeUsage);

/// <summary>How an answer ended: <c>stop</c> or <c>length</c>.</summary>
public sealed record ChatEnd(string FinishReason, ChatUsage? Usage);

public sealed record ChatUsage(long PromptTokens, long CompletionTokens);

/// <summary>One event of an answer; after a failure none follows.</summary>
public sealed record ChatEvent(IReadOnlyList<ChatChoice>? Choices, ChatUsage? Usage, JsonElement Error)
{
    public string? Text => Choices is [{ Delta.Content: var text }, ..] ? text : null;

    public string? FinishReason => Choices is [{ FinishReason: var reason }, ..] ? reason : null;

    public string? Failure => Error.ValueKind == JsonValueKind.Object ? new InferError(Error).Message ?? "It failed." : null;
}

public sealed record ChatChoice(ChatDelta? Delta, string? FinishReason);

public sealed record ChatDelta(string? Content);
