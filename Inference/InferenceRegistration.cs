using InferenceTemplate.Inference.Audit;
using InferenceTemplate.Inference.Caching;
using InferenceTemplate.Inference.Catalog;
using InferenceTemplate.Inference.Costs;
using InferenceTemplate.Inference.Features;
using InferenceTemplate.Inference.Fleet;
using InferenceTemplate.Inference.Jobs;
using InferenceTemplate.Inference.Queue;
using InferenceTemplate.Inference.Retention;
using InferenceTemplate.Inference.Statistics;
using InferenceTemplate.Inference.Store;
using InferenceTemplate.Inference.Tenancy;
using InferenceTemplate.Inference.Traffic;
using InferenceTemplate.Inference.Triton;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace InferenceTemplate.Inference;

public static class InferenceRegistration
{
    /// <summary>Adds what Api and Worker share, over an NpgsqlDataSource and an IConnectionMultiplexer.</summary>
    public static IServiceCollection AddInference(this IServiceCollection services)
    {
        services.AddOptions<QueueOptions>().BindConfiguration(QueueOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddInferenceStore();
        services.AddRegistry();
        services.AddAudit();
        services.AddRetention();
        services.AddFeatures();
        services.AddSingleton<RequestQueue>();
        services.AddSingleton<FleetRegistry>();
        services.AddSingleton<ModelAvailability>();
        services.AddOptions<CostOptions>().BindConfiguration(CostOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<TritonOptions>().BindConfiguration(TritonOptions.Section);
        services.AddSingleton<TritonMetrics>();
        services.AddSingleton<ModelStatistics>();
        services.AddHostedService<StatisticsFlush>();
        services.AddSingleton<ResponseCache>();
        services.AddSingleton<TrafficOutcomes>();
        services.AddSingleton<CanaryJudge>();
        services.AddJobs();
        services.AddTenancy();
        return services;
    }
}
