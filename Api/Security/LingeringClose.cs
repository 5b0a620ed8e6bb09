using System.Buffers;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Api.Security;

/// <summary>
/// A caller that is refused while it still sends would find its connection reset, and its answer lost with it (RFC 9112, section 9.6).
/// So what still comes is read and thrown away, up to <see cref="ServerLimits.LingerBytes"/> and <see cref="ServerLimits.LingerTime"/>.
/// HTTP/2 needs no such thing: it can end one request without its connection. Stands before everything, exceptions' answers included.
/// </summary>
internal sealed class LingeringClose(IOptions<ServerLimits> limits, TimeProvider time) : IStartupFilter
{
    private const int BufferSize = 64 << 10;

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(async (context, following) =>
        {
            var body = context.Request.Body;
            BoundChunks(context);
            await following(context);
            if (context.Response.StatusCode >= StatusCodes.Status400BadRequest && MaySendMore(context))
            {
                await LingerAsync(context, body);
            }
        });
        next(app);
    };

    private static void BoundChunks(HttpContext context)
    {
        if (context.Request is { Protocol: "HTTP/1.1", ContentLength: null }
            && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true
            && context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } server)
        {
            var body = new ChunkedBody(context.Request.Body, server.MaxRequestBodySize);
            server.MaxRequestBodySize = null;
            context.Request.Body = body;
            context.Features.Set<IHttpMaxRequestBodySizeFeature>(body);
        }
    }

    // Who waits for 100 (Continue) sends nothing after a refusal.
    private bool MaySendMore(HttpContext context) =>
        limits.Value.LingerBytes > 0
        && context.Request.Protocol is "HTTP/1.1" or "HTTP/1.0"
        && context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true
        && context.Request.Headers.Expect.Count == 0
        && !context.RequestAborted.IsCancellationRequested;

    private async Task LingerAsync(HttpContext context, Stream body)
    {
        // The bound of bodies has done its work; this one is nobody's to keep.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        using var over = new CancellationTokenSource(limits.Value.LingerTime, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, context.RequestAborted);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            await context.Response.CompleteAsync();
            var left = limits.Value.LingerBytes;
            int read;
            while ((read = await body.ReadAsync(buffer, either.Token)) > 0)
            {
                left -= read;
                if (left < 0)
                {
                    context.Abort();
                    return;
                }
            }
        }
        catch (BadHttpRequestException)
        {
            // What is no body. The server closes when the answer is sent.
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // It took too long, or left.
            context.Abort();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
