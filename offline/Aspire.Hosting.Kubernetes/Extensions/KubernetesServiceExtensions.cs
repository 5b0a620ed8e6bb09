using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;

namespace Aspire.Hosting;

/// <summary>Changes what is published of a resource.</summary>
public static class KubernetesServiceExtensions
{
    public static IResourceBuilder<T> PublishAsKubernetesService<T>(this IResourceBuilder<T> builder, Action<KubernetesResource> configure)
        where T : IComputeResource
    {
        var application = builder.ApplicationBuilder;
        if (!application.ExecutionContext.IsPublishMode)
        {
            return builder;
        }

        // The environment may be added after this call, so it is looked for when all has been said.
        application.Eventing.Subscribe<BeforeStartEvent>((_, _) => application.Resources.OfType<KubernetesEnvironmentResource>().Any()
            ? Task.CompletedTask
            : throw new DistributedApplicationException(
                $"Resource '{builder.Resource.Name}' is configured to publish as a Kubernetes service, but there are no 'KubernetesEnvironmentResource' resources or Kubernetes-backed compute environments. Ensure you have added one by calling 'AddKubernetesEnvironment'."));
        return builder.WithAnnotation(new KubernetesServiceCustomizationAnnotation(configure));
    }
}
