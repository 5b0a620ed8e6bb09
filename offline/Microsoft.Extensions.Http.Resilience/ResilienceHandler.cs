using Polly;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Sends each request through the pipeline of its key.</summary>
internal sealed class ResilienceHandler(Func<HttpRequestMessage, ResiliencePipeline<HttpResponseMessage>> pipelineOf) : DelegatingHandler
{
    private static readonly ResiliencePropertyKey<HttpRequestMessage?> s_request = new("Resilience.Http.RequestMessage");

    public static HttpRequestMessage? RequestOf(ResilienceContext context) => context.Properties.GetValue(s_request, null);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(s_request, request);
        try
        {
            return await pipelineOf(request).ExecuteAsync(
                async (attempt, state) => await state.Handler.SendCoreAsync(state.Request, attempt.CancellationToken),
                context,
                (Handler: this, Request: request));
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private Task<HttpResponseMessage> SendCoreAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        base.SendAsync(request, cancellationToken);
}
