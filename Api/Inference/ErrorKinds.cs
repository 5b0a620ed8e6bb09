using InferenceTemplate.Core.Queue;

namespace InferenceTemplate.Api.Inference;

/// <summary>By what kind an inference that brought no result is counted.</summary>
internal static class ErrorKinds
{
    /// <summary>Null where there was a result.</summary>
    public static string? Of(int status, InferenceReply? reply = null) => status switch
    {
        StatusCodes.Status200OK => null,
        StatusCodes.Status400BadRequest => reply is { Outcome: ReplyOutcome.Failed } ? "model" : "invalid",
        StatusCodes.Status403Forbidden => "suspended",
        StatusCodes.Status413PayloadTooLarge => "too_large",
        StatusCodes.Status429TooManyRequests => "limited",
        InferenceCallResult.ClientClosedRequest => "cancelled",
        StatusCodes.Status503ServiceUnavailable => "unavailable",
        StatusCodes.Status504GatewayTimeout => "timeout",
        _ => "other",
    };
}
