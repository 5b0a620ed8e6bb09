using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Configures the standard pipeline of a client, or of all.</summary>
public static class HttpStandardResiliencePipelineBuilderExtensions
{
    /// <summary>One pipeline, so one circuit breaker, for each scheme, host and port.</summary>
    public static IHttpStandardResiliencePipelineBuilder SelectPipelineByAuthority(this IHttpStandardResiliencePipelineBuilder builder)
    {
        builder.Services.Configure<StandardPipelineKeys>(builder.PipelineName, keys => keys.ByAuthority = true);
        return builder;
    }
}
