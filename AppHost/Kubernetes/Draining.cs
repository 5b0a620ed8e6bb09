using Aspire.Hosting.Kubernetes.Resources;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>How long pods have to end their work, each part longer than what it waits for.</summary>
internal static class Draining
{
    // Until every node knows that an endpoint is gone, requests still come; the server goes on for that long.
    private const int Deregistration = 10;

    // A .NET host gives up on its own after 30 seconds; being killed before that would cut off what it still finishes.
    private const int HostShutdown = 30;

    // What a worker takes at most to hand back what it did not finish.
    private const int HandingBack = 5;

    private const int Margin = 10;

    /// <summary>For services that are called: first no new requests, then the end of the old ones.</summary>
    public static IResourceBuilder<ProjectResource> WithDrainOfCalls(this IResourceBuilder<ProjectResource> builder) => builder
        .WithTermination(Deregistration + HostShutdown + Margin)
        .PublishAsKubernetesService(published =>
        {
            foreach (var container in published.Workload!.PodTemplate.Spec.Containers)
            {
                // The members that Aspire makes beside the sleep would each be another action; a cluster takes one.
                container.Lifecycle = new LifecycleV1
                {
                    PreStop = new LifecycleHandlerV1 { Sleep = new SleepActionV1 { Seconds = Deregistration }, Exec = null!, HttpGet = null!, TcpSocket = null! },
                };
            }
        });

    /// <summary>For the worker, which nobody calls.</summary>
    public static IResourceBuilder<ProjectResource> WithDrainOfWork(this IResourceBuilder<ProjectResource> builder) => builder
        .WithTermination(Math.Max(Shutdown.WorkerDrain + HandingBack, HostShutdown) + Margin);

    public static IResourceBuilder<T> WithTermination<T>(this IResourceBuilder<T> builder, int seconds)
        where T : IComputeResource => builder.PublishAsKubernetesService(published =>
            published.Workload!.PodTemplate.Spec.TerminationGracePeriodSeconds = seconds);
}
