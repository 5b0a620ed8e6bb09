using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http.Resilience;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds resilience to HttpClients.</summary>
public static class ResilienceHttpClientBuilderExtensions
{
    public static IHttpStandardResiliencePipelineBuilder AddStandardResilienceHandler(
        this IHttpClientBuilder builder, Action<HttpStandardResilienceOptions> configure)
    {
        var name = $"{builder.Name}-standard";
        builder.Services.TryAddSingleton<StandardPipelines>();
        builder.Services.AddOptions<HttpStandardResilienceOptions>(name).Configure(configure).ValidateOnStart()
            .Validate(
                options => options.AttemptTimeout.Timeout <= options.TotalRequestTimeout.Timeout,
                "TotalRequestTimeout must be at least as long as AttemptTimeout.")
            .Validate(
                options => options.CircuitBreaker.SamplingDuration >= 2 * options.AttemptTimeout.Timeout,
                "CircuitBreaker.SamplingDuration must be at least twice AttemptTimeout, or it cannot see the failures.");

        builder.AddHttpMessageHandler(services => new ResilienceHandler(services.GetRequiredService<StandardPipelines>().For(name)));

        // The pipeline's timeouts replace the client's.
        builder.ConfigureHttpClient(client => client.Timeout = Timeout.InfiniteTimeSpan);
        return new Pipeline(name, builder.Services);
    }

    private sealed record Pipeline(string PipelineName, IServiceCollection Services) : IHttpStandardResiliencePipelineBuilder;
}
