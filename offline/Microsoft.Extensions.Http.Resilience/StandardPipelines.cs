using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Polly;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>How a client's requests share pipelines.</summary>
internal sealed class StandardPipelineKeys
{
    public bool ByAuthority { get; set; }
}

/// <summary>The pipelines of the process: they outlive the handlers, which HttpClientFactory renews, so that breakers remember.</summary>
internal sealed class StandardPipelines(IOptionsMonitor<HttpStandardResilienceOptions> options, IOptionsMonitor<StandardPipelineKeys> keys)
{
    private readonly ConcurrentDictionary<(string Name, string Key), ResiliencePipeline<HttpResponseMessage>> _pipelines = new();

    public Func<HttpRequestMessage, ResiliencePipeline<HttpResponseMessage>> For(string name)
    {
        var byAuthority = keys.Get(name).ByAuthority;
        return request => _pipelines.GetOrAdd(
            (name, byAuthority ? request.RequestUri?.GetLeftPart(UriPartial.Authority) ?? "" : ""), key => Build(options.Get(key.Name)));
    }

    private static ResiliencePipeline<HttpResponseMessage> Build(HttpStandardResilienceOptions options) =>
        new ResiliencePipelineBuilder<HttpResponseMessage>()
            .AddStrategy(_ => new ConcurrencyStrategy(1000), new ConcurrencyOptions())
            .AddTimeout(options.TotalRequestTimeout)
            .AddRetry(options.Retry)
            .AddCircuitBreaker(options.CircuitBreaker)
            .AddTimeout(options.AttemptTimeout)
            .Build();

    private sealed class ConcurrencyOptions : ResilienceStrategyOptions;
}
