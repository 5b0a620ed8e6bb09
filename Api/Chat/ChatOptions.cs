using System.ComponentModel.DataAnnotations;

namespace InferenceTemplate.Api.Chat;

/// <summary>Chat and completions.</summary>
public sealed class ChatOptions
{
    public const string Section = "Chat";

    /// <summary>
    /// How long a stream may be silent; then a comment is sent, which clients pass over, so that proxies do not take it for idle.
    /// From its first on the stream has begun, and an error is an event. Default 15 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(15);
}
