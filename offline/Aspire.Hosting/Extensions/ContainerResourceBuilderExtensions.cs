using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Adds and describes containers.</summary>
public static class ContainerResourceBuilderExtensions
{
    public static IResourceBuilder<ContainerResource> AddContainer(this IDistributedApplicationBuilder builder, string name, string image)
    {
        // A tag stands behind the last colon, unless that belongs to a registry's port.
        var colon = image.LastIndexOf(':');
        return colon > image.LastIndexOf('/')
            ? builder.AddContainer(name, image[..colon], image[(colon + 1)..])
            : builder.AddContainer(name, image, "latest");
    }

    public static IResourceBuilder<ContainerResource> AddContainer(
        this IDistributedApplicationBuilder builder, string name, string image, string tag) =>
        builder.AddResource(new ContainerResource(name)).WithImage(image, tag);

    public static IResourceBuilder<T> WithImage<T>(this IResourceBuilder<T> builder, string image, string? tag = null)
        where T : ContainerResource =>
        builder.WithAnnotation(
            new ContainerImageAnnotation { Image = image, Tag = tag ?? "latest" }, ResourceAnnotationMutationBehavior.Replace);

    public static IResourceBuilder<T> WithImageRegistry<T>(this IResourceBuilder<T> builder, string? registry)
        where T : ContainerResource
    {
        builder.Resource.Annotations.OfType<ContainerImageAnnotation>().Last().Registry = registry;
        return builder;
    }

    public static IResourceBuilder<T> WithEntrypoint<T>(this IResourceBuilder<T> builder, string entrypoint)
        where T : ContainerResource
    {
        builder.Resource.Entrypoint = entrypoint;
        return builder;
    }

    public static IResourceBuilder<T> WithVolume<T>(this IResourceBuilder<T> builder, string? name, string target, bool isReadOnly = false)
        where T : ContainerResource =>
        builder.WithAnnotation(new ContainerMountAnnotation(name, target, ContainerMountType.Volume, isReadOnly));
}

/// <summary>Names volumes.</summary>
public static class VolumeNameGenerator
{
    public static string Generate<T>(IResourceBuilder<T> builder, string suffix)
        where T : IResource
    {
        var application = builder.ApplicationBuilder.Environment.ApplicationName.ToLowerInvariant();
        var safe = string.Concat(application.Select((c, i) => char.IsAsciiLetterOrDigit(c) || (i > 0 && c is '_' or '.' or '-') ? c : '_'));
        var hash = builder.ApplicationBuilder.Configuration["AppHost:Sha256"]![..10].ToLowerInvariant();
        return $"{safe}-{hash}-{builder.Resource.Name}-{suffix}";
    }
}
