using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Marks what is attached to a resource: an endpoint, an environment callback, a health check.</summary>
public interface IResourceAnnotation;

/// <summary>A part of the application: a server, a project, a parameter.</summary>
public interface IResource
{
    string Name { get; }
    ResourceAnnotationCollection Annotations { get; }
}

/// <summary>The base of all resources.</summary>
public abstract class Resource(string name) : IResource
{
    public virtual string Name { get; } = ModelName.Valid(name);
    public virtual ResourceAnnotationCollection Annotations { get; } = [];
}

/// <summary>The annotations of one resource.</summary>
public sealed class ResourceAnnotationCollection : Collection<IResourceAnnotation>;

/// <summary>The resources of an application, in the order in which they were added.</summary>
public interface IResourceCollection : IList<IResource>
{
    bool TryGetByName(string name, [NotNullWhen(true)] out IResource? resource);
}

internal sealed class ResourceCollection : Collection<IResource>, IResourceCollection
{
    public bool TryGetByName(string name, [NotNullWhen(true)] out IResource? resource)
    {
        resource = this.FirstOrDefault(r => string.Equals(r.Name, name, StringComparison.OrdinalIgnoreCase));
        return resource is not null;
    }

    protected override void InsertItem(int index, IResource item)
    {
        if (TryGetByName(item.Name, out _))
        {
            throw new DistributedApplicationException(
                $"Cannot add resource of type '{item.GetType()}' with name '{item.Name}': a resource of that name exists already.");
        }

        base.InsertItem(index, item);
    }
}

/// <summary>The application as it was described.</summary>
public class DistributedApplicationModel(IResourceCollection resources)
{
    public IResourceCollection Resources { get; } = resources;
}
