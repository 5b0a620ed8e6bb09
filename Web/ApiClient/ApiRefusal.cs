using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace InferenceTemplate.Web.ApiClient;

/// <summary>An error of <c>/v1</c> (RFC 9457), as far as it is shown.</summary>
public sealed record ApiProblem(
    string? Title, string? Detail, [property: JsonPropertyName("traceId")] string? TraceId, IReadOnlyDictionary<string, string[]>? Errors);

/// <summary>What an answer that is no success says to a person: the Api's own reason where it gave one, with the trace id.</summary>
internal static class ApiRefusal
{
    public static async Task<ApiResult<T>> OfAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
        where T : class
    {
        var status = response.StatusCode;
        if (status is HttpStatusCode.Unauthorized)
        {
            return ApiResult<T>.Failed(ApiFailure.Unauthorized, "It refused the credential.");
        }

        if (status is HttpStatusCode.Forbidden)
        {
            return ApiResult<T>.Failed(
                ApiFailure.Forbidden, "The role of your API key may not see this. Sign in with a key of the role user or admin.");
        }

        if (status is HttpStatusCode.TooManyRequests)
        {
            return ApiResult<T>.Failed(ApiFailure.Limited, "Too many calls; wait a moment.");
        }

        var (reason, code) = await ReasonAsync(response, cancellationToken);
        var failure = status switch
        {
            HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable => ApiFailure.Unreachable,
            HttpStatusCode.GatewayTimeout => ApiFailure.TimedOut,
            _ => ApiFailure.Unexpected,
        };
        return ApiResult<T>.Failed(failure, reason ?? $"It answered {(int)status} {status}.", code, (int)status);
    }

    private static async Task<(string? Text, string? Code)> ReasonAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        switch (response.Content.Headers.ContentType?.MediaType)
        {
            case "application/json":
                var error = await JsonSerializer.DeserializeAsync(body, ApiJson.Default.InferError, cancellationToken);
                return (error?.Message is { } message ? $"{status}: {message}" : null, error?.Code);
            case "application/problem+json":
                return await JsonSerializer.DeserializeAsync(body, ApiJson.Default.ApiProblem, cancellationToken) is { } problem
                    ? (Text(status, problem), null)
                    : default;
            default:
                return default;
        }
    }

    private static string Text(int status, ApiProblem problem)
    {
        var fields = problem.Errors?.Select(error => $"{error.Key}: {string.Join(", ", error.Value)}");
        var reason = problem.Detail ?? (fields is null ? problem.Title : string.Join("; ", fields));
        return $"{status}: {reason}{(problem.TraceId is { } trace ? $" (trace {trace})" : "")}";
    }
}
