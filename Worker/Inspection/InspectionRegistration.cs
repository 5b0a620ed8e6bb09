using InferenceTemplate.Core.Catalog;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Data;
using InferenceTemplate.Data.Artifacts;

namespace InferenceTemplate.Worker.Inspection;

internal static class InspectionRegistration
{
    public static IServiceCollection AddInspection(this IServiceCollection services)
    {
        services.AddOptions<InspectionOptions>().BindConfiguration(InspectionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<SignatureLimits>().BindConfiguration(ResponseOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ModelInspector>();
        services.AddSingleton<UntriedVersions>();
        services.AddSingleton<Pipelines.PipelineInspector>();
        services.AddSingleton<FolderPublisher>();
        services.AddHostedServiceAfterSchema<InspectionService>();
        services.AddHostedServiceAfterSchema<ArtifactSweeper>();
        return services;
    }
}
