namespace InferenceTemplate.Api.Direct;

internal static class DirectRegistration
{
    public static IServiceCollection AddDirectCalls(this IServiceCollection services)
    {
        services.AddSingleton<WorkerConnections>();
        services.AddHostedService(provider => provider.GetRequiredService<WorkerConnections>());
        services.AddSingleton<DirectDeadlines>();
        services.AddSingleton<DirectCalls>();
        return services;
    }
}
