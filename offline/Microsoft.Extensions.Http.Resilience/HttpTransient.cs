using System.Net;
using Polly;
using Polly.Timeout;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>What may go away by itself: no connection, an attempt's timeout, 408, 429 and 5xx.</summary>
internal static class HttpTransient
{
    public static bool Is(Outcome<HttpResponseMessage> outcome) => outcome switch
    {
        { Result.StatusCode: >= HttpStatusCode.InternalServerError or HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests } => true,
        { Exception: HttpRequestException or TimeoutRejectedException } => true,
        _ => false,
    };

    /// <summary>As <see cref="Is(Outcome{HttpResponseMessage})"/>, and the connect timeout, which shows as a cancellation nobody asked for.</summary>
    public static bool Is(Outcome<HttpResponseMessage> outcome, CancellationToken cancellationToken) => Is(outcome)
        || (!cancellationToken.IsCancellationRequested
            && outcome.Exception is OperationCanceledException { Source: "System.Private.CoreLib", InnerException: TimeoutException });
}
