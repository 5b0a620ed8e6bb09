namespace InferenceTemplate.Api.Auth;

/// <summary>Why a request's credentials were refused, kept with the request for its answer and the audit log.</summary>
public static class Refusal
{
    private static readonly object Key = new();

    public static void Refuse(this HttpContext context, string reason) => context.Items[Key] = reason;

    /// <summary>In words for the caller; null where nothing was refused.</summary>
    public static string? RefusalReason(this HttpContext context) =>
        context.Items.TryGetValue(Key, out var reason) ? (string?)reason : null;
}
