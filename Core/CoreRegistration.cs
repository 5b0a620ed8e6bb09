using InferenceTemplate.Core.Costs;
using InferenceTemplate.Core.Direct;
using InferenceTemplate.Core.Fleet;
using InferenceTemplate.Core.Jobs;
using InferenceTemplate.Core.Queue;
using InferenceTemplate.Core.Statistics;
using InferenceTemplate.Core.Triton;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace InferenceTemplate.Core;

public static class CoreRegistration
{
    /// <summary>
    /// Adds what Api and Worker say to each other, over an IConnectionMultiplexer: the queue, the fleet and the statistics.
    /// </summary>
    public static IServiceCollection AddCore(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddMetrics();
        services.AddOptions<QueueOptions>().BindConfiguration(QueueOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<ResponseOptions>().BindConfiguration(ResponseOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<JobOptions>().BindConfiguration(JobOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<CostOptions>().BindConfiguration(CostOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<TritonOptions>().BindConfiguration(TritonOptions.Section);
        services.AddOptions<DirectOptions>().BindConfiguration(DirectOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<RequestQueue>();
        services.AddSingleton<WithdrawnQueues>();
        services.AddSingleton<QueueTotals>();
        services.AddSingleton<QueueEpoch>();
        services.AddSingleton<JobSignals>();
        services.AddSingleton<JobTelemetry>();
        services.AddSingleton<FleetRegistry>();
        services.AddSingleton<SignalChannel>();
        services.AddSingleton<TritonMetrics>();
        services.AddSingleton<ModelStatistics>();
        services.AddHostedService<StatisticsFlush>();
        return services;
    }
}
