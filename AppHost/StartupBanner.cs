using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InferenceTemplate.AppHost;

/// <summary>Says where everything is, once it answers: the dashboard, the API, the key, and a request to paste.</summary>
internal static class StartupBanner
{
    public static void AddStartupBanner(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker,
        IResourceBuilder<ProjectResource>? dashboard,
        IResourceBuilder<ParameterResource> adminSecret)
    {
        if (builder.ExecutionContext.IsPublishMode)
        {
            return;
        }

        var example = Path.GetFullPath(Path.Combine(builder.AppHostDirectory, "..", "models", "digits", "example-request.json"));
        builder.Eventing.Subscribe<AfterResourcesCreatedEvent>((created, cancellationToken) =>
        {
            var stopping = created.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
            _ = PrintAsync(created.Services.GetRequiredService<ResourceNotificationService>(), stopping);
            return Task.CompletedTask;
        });

        async Task PrintAsync(ResourceNotificationService resources, CancellationToken stopping)
        {
            try
            {
                IResource[] services =
                [
                    api.Resource,
                    worker.Resource,
                    .. dashboard is null ? (IResource[])[] : [dashboard.Resource],
                ];
                foreach (var resource in services)
                {
                    await resources.WaitForResourceHealthyAsync(resource.Name, stopping);
                }

                var apiUrl = api.GetEndpoint("http").Url;
                var key = $"admin_{await adminSecret.Resource.GetValueAsync(stopping)}";
                Console.WriteLine("\nReady.");
                if (dashboard is not null)
                {
                    Console.WriteLine($"  Dashboard  {dashboard.GetEndpoint("http").Url}  (sign in with the admin key)");
                }

                Console.WriteLine($"""
                      API        {apiUrl}
                      gRPC       {api.GetEndpoint(Services.GrpcEndpoint).Url}
                      Admin key  {key}

                    """);
                Console.WriteLine(File.Exists(example)
                    ? $"""
                        Classify a digit:
                          curl -s {apiUrl}/v2/models/digits/infer -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d @{Quote(example)}

                      """
                    : $"""
                        See which models there are (models/README.md tells how the first one comes in):
                          curl -s {apiUrl}/v1/models -H 'Authorization: Bearer {key}'

                      """);
            }
            catch (OperationCanceledException)
            {
                // Stopped before everything was up.
            }
            catch (DistributedApplicationException exception)
            {
                Console.Error.WriteLine($"Not ready: {exception.Message}");
            }
        }
    }

    private static string Quote(string path) => $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
