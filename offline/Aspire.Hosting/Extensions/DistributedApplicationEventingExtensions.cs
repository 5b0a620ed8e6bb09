using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Eventing;

namespace Aspire.Hosting;

/// <summary>Subscriptions in the flow of a description.</summary>
public static class DistributedApplicationEventingExtensions
{
    public static T OnBeforeStart<T>(this T builder, Func<BeforeStartEvent, CancellationToken, Task> callback)
        where T : IDistributedApplicationBuilder
    {
        builder.Eventing.Subscribe(callback);
        return builder;
    }

    public static IResourceBuilder<T> OnBeforeResourceStarted<T>(
        this IResourceBuilder<T> builder, Func<T, BeforeResourceStartedEvent, CancellationToken, Task> callback)
        where T : IResource =>
        builder.On(callback);

    public static IResourceBuilder<T> OnResourceReady<T>(
        this IResourceBuilder<T> builder, Func<T, ResourceReadyEvent, CancellationToken, Task> callback)
        where T : IResource =>
        builder.On(callback);

    private static IResourceBuilder<T> On<T, TEvent>(this IResourceBuilder<T> builder, Func<T, TEvent, CancellationToken, Task> callback)
        where T : IResource
        where TEvent : IDistributedApplicationResourceEvent
    {
        builder.ApplicationBuilder.Eventing.Subscribe<TEvent>(builder.Resource, (e, ct) => callback(builder.Resource, e, ct));
        return builder;
    }
}
