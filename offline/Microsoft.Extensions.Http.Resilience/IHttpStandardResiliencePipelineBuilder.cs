using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>Configures the standard pipeline of a client, or of all.</summary>
public interface IHttpStandardResiliencePipelineBuilder
{
    /// <summary>The name of the pipeline's <see cref="HttpStandardResilienceOptions"/>.</summary>
    string PipelineName { get; }

    IServiceCollection Services { get; }
}
