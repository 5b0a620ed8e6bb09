using System.Buffers;
using System.IO.Pipelines;
using System.Security.Claims;
using InferenceTemplate.Api.Auth;
using InferenceTemplate.Api.Inference;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace InferenceTemplate.Tests.Unit.Api;

public sealed class BodyBudgetTests : IDisposable
{
    // Takes half a MiB as it is read.
    private const int Large = 300 << 10;

    private readonly ServiceProvider _services = new ServiceCollection()
        .AddSingleton(Options.Create(new LimitOptions { BodyBytesInFlight = 2 << 20 }))
        .AddSingleton<BodyBudget>().BuildServiceProvider();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Tenant_whose_bodies_never_end_is_refused_beyond_its_half_and_others_are_read()
    {
        var (first, second) = (Begin("slow", Large), Begin("slow", Large));

        var refused = await Assert.ThrowsAsync<BadHttpRequestException>(() => Begin("slow", Large).Read);
        Assert.Equal(429, refused.StatusCode);
        Assert.Equal(
            "the bodies that the tenant 'slow' sends now take 1048576 bytes, half of Limits:BodyBytesInFlight: try again soon",
            refused.Message);

        // Small ones are read whatever goes on.
        foreach (var (tenant, bytes) in new[] { ("slow", 1024), ("other", 1024), ("other", Large) })
        {
            var (read, pipe) = Begin(tenant, bytes);
            await pipe.CompleteAsync();
            using var body = await read;
            Assert.Equal(bytes, body.Span.Length);
        }

        // All together have an end too.
        using var others = await EndAsync(Begin("a", Large));
        using var more = await EndAsync(Begin("b", Large));
        Assert.Equal(503, (await Assert.ThrowsAsync<BadHttpRequestException>(() => Begin("c", Large).Read)).StatusCode);

        // What has come to its end makes room, however it ended.
        (await EndAsync(first)).Dispose();
        await second.Pipe.CompleteAsync(new IOException("the sender has left"));
        await Assert.ThrowsAsync<IOException>(() => second.Read);
        using var again = await EndAsync(Begin("slow", Large));
    }

    public void Dispose() => _services.Dispose();

    private static async Task<RequestBody> EndAsync((Task<RequestBody> Read, PipeWriter Pipe) begun)
    {
        await begun.Pipe.CompleteAsync();
        return await begun.Read;
    }

    // So many bytes that come at once, and an end that does not.
    private (Task<RequestBody> Read, PipeWriter Pipe) Begin(string tenant, int bytes)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        pipe.Writer.Write(new byte[bytes]);
        pipe.Writer.FlushAsync(Cancellation).AsTask().GetAwaiter().GetResult();
        var context = new DefaultHttpContext
        {
            RequestServices = _services,
            User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(InferenceClaims.Tenant, tenant)])),
        };
        context.Request.Body = pipe.Reader.AsStream();
        return (RequestBody.ReadAsync(context.Request, 1 << 20, Cancellation).AsTask(), pipe.Writer);
    }
}
