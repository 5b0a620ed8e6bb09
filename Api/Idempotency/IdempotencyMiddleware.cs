using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Grpc.AspNetCore.Server;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using InferenceTemplate.Api.Jobs;
using InferenceTemplate.Data;
using InferenceTemplate.ServiceDefaults.Errors;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace InferenceTemplate.Api.Idempotency;

/// <summary>
/// <c>Idempotency-Key</c> on every POST: the first request with a key is handled and its answer kept, a repetition gets that answer.
/// Not in gRPC, whose methods may all be repeated. Bodies are hashed as they stream by, and nothing happens for requests without the
/// header.
/// </summary>
internal sealed partial class IdempotencyMiddleware(
    RequestDelegate next, IdempotencyStore store, AnswerSeal seal, IOptions<IdempotencyOptions> options, TimeProvider time,
    ILogger<IdempotencyMiddleware> logger)
{
    public const string HeaderName = "Idempotency-Key";
    public const string ReplayedName = "Idempotency-Replayed";

    // What a handler left unread of a body: beyond this nobody waits for it, and the answer is not kept.
    public const int MaxDrain = 64 << 10;

    private const int MaxKeyLength = 255;
    private const int TooEarly = 425;

    // Of the connection and not of the answer.
    private static readonly HashSet<string> NotKept = new(StringComparer.OrdinalIgnoreCase)
    {
        "Content-Length", "Date", "Server", "Transfer-Encoding", "Set-Cookie",
    };

    public Task InvokeAsync(HttpContext context) =>
        HttpMethods.IsPost(context.Request.Method) && context.Request.Headers.TryGetValue(HeaderName, out var given)
            && context.GetEndpoint() is RouteEndpoint endpoint && context.User.FindFirstValue(InferenceClaims.Tenant) is { } tenant
            && !IsJob(context.Request, endpoint) && endpoint.Metadata.GetMetadata<GrpcMethodMetadata>() is null
            ? HandleAsync(context, tenant, given.ToString())
            : next(context);

    // A job's key is written with the job, and as durable.
    private static bool IsJob(HttpRequest request, RouteEndpoint endpoint) =>
        endpoint.RoutePattern.RawText?.EndsWith("/infer", StringComparison.Ordinal) == true && JobSubmission.IsAskedFor(request);

    private async Task HandleAsync(HttpContext context, string tenant, string key)
    {
        if (key.Length is 0 or > MaxKeyLength || !key.All(c => c is >= ' ' and <= '~'))
        {
            await ErrorResponses.WriteAsync(
                context, StatusCodes.Status400BadRequest, $"{HeaderName}: 1 to {MaxKeyLength} printable ASCII characters expected");
            return;
        }

        // Of one credential: what it was told, a key secret perhaps, is nobody else's.
        var caller = context.User.FindFirstValue(InferenceClaims.KeyId) ?? context.User.FindFirstValue(InferenceClaims.Subject)
            ?? throw new InvalidOperationException("The caller is authenticated and is neither a key nor an authority's subject.");
        var scope = new IdempotencyScope(tenant, SHA256.HashData(Encoding.UTF8.GetBytes($"{caller}\n{key}")));
        var claim = await store.ClaimAsync(scope, context.RequestAborted);
        using var body = new HashingStream(context.Request.Body, TargetOf(context.Request));
        if (claim.Token is { } token)
        {
            context.Features.Set(new IdempotentRequest(scope, token, body, claim.Accepted?.Id));
            await HandleFirstAsync(context, scope, token, key, body, claim.Accepted);
        }
        else if (claim.Kept is { } kept)
        {
            await ReplayAsync(context, scope, key, kept, body);
        }
        else
        {
            context.Response.Headers.RetryAfter = "1";
            await ErrorResponses.WriteAsync(context, StatusCodes.Status409Conflict,
                $"{HeaderName}: the request with '{key}' is still in flight: try again when it is answered");
        }
    }

    private static string TargetOf(HttpRequest request) =>
        $"{request.Method}\n{request.PathBase}{request.Path}{request.QueryString}\n{request.Headers[InferRequest.HeaderLength]}";

    private async Task HandleFirstAsync(
        HttpContext context, IdempotencyScope scope, Guid token, string key, HashingStream body, AcceptedBatch? accepted)
    {
        var (response, sent) = (context.Response, context.Response.Body);
        var before = response.Headers.Keys.ToHashSet(StringComparer.OrdinalIgnoreCase);
        var lifetime = context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        var finished = new FinishedByHandler(lifetime);
        using var answer = new HeldAnswer(sent, options.Value.MaxAnswerBytes);
        using var renewing = new CancellationTokenSource();
        var renewal = RenewAsync(scope, token, renewing.Token);
        var stored = false;
        try
        {
            // Whoever repeats the request may not take what the first one took: kept, and answered, is what everybody reads.
            context.Request.Headers.Remove(HeaderNames.AcceptEncoding);
            (context.Request.Body, response.Body) = (body, answer);
            context.Features.Set<IHttpRequestLifetimeFeature>(finished);
            if (accepted is not null && !await IsSameAsync(context, body, accepted.BodyLength, accepted.Fingerprint))
            {
                response.Body = sent;
                await WriteOtherRequestAsync(context, key);
                return;
            }

            await next(context);
            await response.BodyWriter.FlushAsync(CancellationToken.None);
            if (!finished.IsAborted && IsFinal(response, answer) && await IsReadAsync(context, body))
            {
                var headers = response.Headers.Where(h => !before.Contains(h.Key) && !NotKept.Contains(h.Key))
                    .ToDictionary(h => h.Key, h => h.Value.ToArray(), StringComparer.OrdinalIgnoreCase);
                stored = await KeepAsync(scope, token, new(
                    body.Fingerprint(), body.BytesRead, (short)response.StatusCode,
                    seal.Seal(key, scope.Hash, headers, answer.Bytes.Span)));
            }
        }
        finally
        {
            response.Body = sent;
            context.Features.Set(lifetime);
            await renewing.CancelAsync();
            await renewal;
            if (!stored)
            {
                await ReleaseAsync(scope, token);
            }
        }

        if (!answer.IsTooLong && answer.Bytes.Length > 0)
        {
            await sent.WriteAsync(answer.Bytes, context.RequestAborted);
        }
    }

    // A failure of ours, and what may be otherwise in a moment, is not an answer to keep.
    private static bool IsFinal(HttpResponse response, HeldAnswer answer) => !answer.IsTooLong && response.StatusCode is < 500 and not (
        StatusCodes.Status408RequestTimeout or StatusCodes.Status409Conflict or TooEarly or StatusCodes.Status429TooManyRequests);

    // A connection that has closed gives nothing more, not even the end of what there was: the body knows whether it was read.
    private static async Task<bool> IsReadAsync(HttpContext context, HashingStream body)
    {
        if (body.HasEnded || context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return true;
        }

        try
        {
            return await body.DrainAsync(MaxDrain, context.RequestAborted);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task ReplayAsync(HttpContext context, IdempotencyScope scope, string key, KeptAnswer kept, HashingStream body)
    {
        if (!await IsSameAsync(context, body, kept.BodyLength, kept.Fingerprint))
        {
            await WriteOtherRequestAsync(context, key);
            return;
        }

        Dictionary<string, string?[]> headers;
        byte[] bytes;
        try
        {
            (headers, bytes) = seal.Open(key, scope.Hash, kept.Answer);
        }
        catch (CryptographicException)
        {
            await ErrorResponses.WriteAsync(context, StatusCodes.Status409Conflict,
                $"{HeaderName}: the request with '{key}' was answered, but under another pepper: its answer can't be read");
            return;
        }

        context.Response.StatusCode = kept.Status;
        foreach (var (name, values) in headers)
        {
            context.Response.Headers[name] = values;
        }

        context.Response.Headers[ReplayedName] = "true";
        if (bytes.Length > 0)
        {
            context.Response.ContentLength = bytes.Length;
            await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
        }
    }

    private static async Task<bool> IsSameAsync(HttpContext context, HashingStream body, long length, byte[] fingerprint)
    {
        // As much as the first one had, whatever the limits are elsewhere; a longer one is another.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = null;
        }

        return await body.DrainAsync(length, context.RequestAborted) && body.Fingerprint().AsSpan().SequenceEqual(fingerprint);
    }

    private static Task WriteOtherRequestAsync(HttpContext context, string key) => ErrorResponses.WriteAsync(
        context, StatusCodes.Status422UnprocessableEntity, $"{HeaderName}: '{key}' was used for another request");

    private async Task RenewAsync(IdempotencyScope scope, Guid token, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(options.Value.Lock / 3, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                try
                {
                    await store.ExtendAsync(scope, token, cancellationToken);
                }
                catch (Exception exception) when (Outages.IsOfDatabase(exception))
                {
                    LogNotHeld(exception.Message);
                }
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // It is answered.
        }
    }

    // What was done is done: its answer goes out even where it can't be kept.
    private async Task<bool> KeepAsync(IdempotencyScope scope, Guid token, KeptAnswer kept)
    {
        try
        {
            await store.KeepAsync(scope, token, kept);
        }
        catch (Exception exception) when (Outages.IsOfDatabase(exception))
        {
            LogNotKept(exception.Message);
        }

        // Whether or not it reached the table, nobody may run it again before the lock is out.
        return true;
    }

    private async Task ReleaseAsync(IdempotencyScope scope, Guid token)
    {
        try
        {
            await store.ReleaseAsync(scope, token);
        }
        catch (Exception exception) when (Outages.IsOfDatabase(exception))
        {
            LogNotHeld(exception.Message);
        }
    }

    [LoggerMessage(
        LogLevel.Warning, "The answer to a request with an idempotency key could not be kept; a repetition is handled anew: {Reason}")]
    private partial void LogNotKept(string reason);

    [LoggerMessage(LogLevel.Warning, "An idempotency key could not be held or given back; it is free when its lock has run out: {Reason}")]
    private partial void LogNotHeld(string reason);

    /// <summary>
    /// A caller who leaves ends nothing: a repetition gets the answer instead of having the work done twice. What the handler itself
    /// aborts is no answer.
    /// </summary>
    private sealed class FinishedByHandler(IHttpRequestLifetimeFeature connection) : IHttpRequestLifetimeFeature
    {
        public bool IsAborted { get; private set; }

        public CancellationToken RequestAborted { get; set; }

        public void Abort()
        {
            IsAborted = true;
            connection.Abort();
        }
    }
}
