using System.Diagnostics.CodeAnalysis;
using Aspire.Hosting.Running;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Questions about a resource.</summary>
public static class ResourceExtensions
{
    public static bool TryGetLastAnnotation<T>(this IResource resource, [NotNullWhen(true)] out T? annotation)
        where T : IResourceAnnotation
    {
        annotation = resource.Annotations.OfType<T>().LastOrDefault();
        return annotation is not null;
    }

    public static bool TryGetAnnotationsOfType<T>(this IResource resource, [NotNullWhen(true)] out IEnumerable<T>? result)
        where T : IResourceAnnotation
    {
        var found = resource.Annotations.OfType<T>().ToArray();
        result = found.Length > 0 ? found : null;
        return found.Length > 0;
    }

    public static bool HasAnnotationOfType<T>(this IResource resource)
        where T : IResourceAnnotation =>
        resource.Annotations.OfType<T>().Any();

    public static int GetReplicaCount(this IResource resource) =>
        resource.TryGetLastAnnotation<ReplicaAnnotation>(out var replicas) ? replicas.Replicas : 1;

    public static EndpointReference GetEndpoint(this IResourceWithEndpoints resource, string endpointName) => new(resource, endpointName);

    public static IEnumerable<EndpointReference> GetEndpoints(this IResourceWithEndpoints resource) =>
        [.. resource.Annotations.OfType<EndpointAnnotation>().Select(e => new EndpointReference(resource, e.Name))];

    public static async ValueTask<Dictionary<string, string>> GetEnvironmentVariableValuesAsync(
        this IResourceWithEnvironment resource,
        DistributedApplicationOperation applicationOperation = DistributedApplicationOperation.Run)
    {
        var values = await Evaluation.EnvironmentAsync(resource, new(applicationOperation), CancellationToken.None);
        return values.ToDictionary(v => v.Key, v => v.Text);
    }

    public static async ValueTask<string[]> GetArgumentValuesAsync(
        this IResourceWithArgs resource,
        DistributedApplicationOperation applicationOperation = DistributedApplicationOperation.Run)
    {
        var values = await Evaluation.ArgumentsAsync(resource, new(applicationOperation), CancellationToken.None);
        return [.. values.Select(v => v.Text)];
    }
}

/// <summary>Questions about a project.</summary>
public static class ProjectResourceExtensions
{
    public static IProjectMetadata GetProjectMetadata(this ProjectResource projectResource) =>
        projectResource.Annotations.OfType<IProjectMetadata>().LastOrDefault()
        ?? throw new DistributedApplicationException($"The resource '{projectResource.Name}' has no project.");
}
