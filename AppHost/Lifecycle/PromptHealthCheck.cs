using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace InferenceTemplate.AppHost.Lifecycle;

/// <summary>
/// A health check over HTTP that waits while its service starts. Aspire asks a resource that isn't healthy at intervals that grow to five
/// seconds; of those every start would lose a part. Here one question lasts until the answer is yes.
/// </summary>
internal sealed class PromptHealthCheck(EndpointReference endpoint, string path) : IHealthCheck
{
    private static readonly TimeSpan s_start = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);
    private static readonly HttpClient s_client = new() { Timeout = TimeSpan.FromSeconds(5) };

    private volatile bool _started;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            var problem = await AskAsync(cancellationToken);
            if (problem is null)
            {
                _started = true;
                return HealthCheckResult.Healthy();
            }

            if (_started || Stopwatch.GetElapsedTime(since) >= s_start)
            {
                _started = false;
                return HealthCheckResult.Unhealthy(problem);
            }

            await Task.Delay(s_interval, cancellationToken);
        }
    }

    // What is wrong; null where it is healthy.
    private async Task<string?> AskAsync(CancellationToken cancellationToken)
    {
        if (!endpoint.IsAllocated)
        {
            return "it has no address yet";
        }

        try
        {
            using var answer = await s_client.GetAsync(new Uri(endpoint.Url + path), cancellationToken);
            return answer.IsSuccessStatusCode ? null : $"{path} answers {(int)answer.StatusCode}";
        }
        catch (Exception exception) when (exception is HttpRequestException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return exception.Message;
        }
    }
}

internal static class PromptHealthCheckExtensions
{
    public static IResourceBuilder<ProjectResource> WithPromptHealthCheck(
        this IResourceBuilder<ProjectResource> service, string path, string endpointName)
    {
        var key = $"{service.Resource.Name}-health";
        var check = new PromptHealthCheck(service.GetEndpoint(endpointName), path);
        service.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(key, check, null, null));
        return service.WithHealthCheck(key);
    }
}
