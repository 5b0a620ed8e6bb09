using Aspire.Hosting.Eventing;

namespace Aspire.Hosting.Eventing
{
    /// <summary>Something that happens in the application.</summary>
    public interface IDistributedApplicationEvent;

    /// <summary>Something that happens to one resource.</summary>
    public interface IDistributedApplicationResourceEvent : IDistributedApplicationEvent
    {
        ApplicationModel.IResource Resource { get; }
    }
}

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>The application is described and about to start, or to be published.</summary>
    public class BeforeStartEvent(IServiceProvider services, DistributedApplicationModel model) : IDistributedApplicationEvent
    {
        public IServiceProvider Services { get; } = services;

        public DistributedApplicationModel Model { get; } = model;
    }

    /// <summary>All resources were started, or have failed to.</summary>
    public class AfterResourcesCreatedEvent(IServiceProvider services, DistributedApplicationModel model) : IDistributedApplicationEvent
    {
        public IServiceProvider Services { get; } = services;

        public DistributedApplicationModel Model { get; } = model;
    }

    /// <summary>What a resource waited for is there; it starts next.</summary>
    public class BeforeResourceStartedEvent(IResource resource, IServiceProvider services) : IDistributedApplicationResourceEvent
    {
        public IResource Resource { get; } = resource;

        public IServiceProvider Services { get; } = services;
    }

    /// <summary>A resource is healthy for the first time; what waits for it waits for the handlers of this event too.</summary>
    public class ResourceReadyEvent(IResource resource, IServiceProvider services) : IDistributedApplicationResourceEvent
    {
        public IResource Resource { get; } = resource;

        public IServiceProvider Services { get; } = services;
    }
}
