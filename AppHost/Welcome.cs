using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace InferenceTemplate.AppHost;

/// <summary>Says where everything is, once it answers: the dashboard, the API, the key, and a request to paste.</summary>
internal static class Welcome
{
    public static void AddWelcome(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ProjectResource> worker,
        IResourceBuilder<ProjectResource> web,
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
                foreach (var resource in (IResource[])[api.Resource, worker.Resource, web.Resource])
                {
                    await resources.WaitForResourceHealthyAsync(resource.Name, stopping);
                }

                var apiUrl = api.GetEndpoint("http").Url;
                var key = $"admin_{await adminSecret.Resource.GetValueAsync(stopping)}";
                Console.WriteLine($"""

                    Ready.
                      Dashboard  {web.GetEndpoint("http").Url}  (sign in with the admin key)
                      API        {apiUrl}
                      Admin key  {key}

                    Classify a digit:
                      curl -s {apiUrl}/v2/models/digits/infer -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d @{Quote(example)}

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
