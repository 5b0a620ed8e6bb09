using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes;

namespace Aspire.Hosting;

/// <summary>Adds and describes an ingress.</summary>
public static class KubernetesIngressExtensions
{
    public static IResourceBuilder<KubernetesIngressResource> AddIngress(
        this IResourceBuilder<KubernetesEnvironmentResource> builder, string name)
    {
        var ingress = new KubernetesIngressResource(name, builder.Resource);
        var application = builder.ApplicationBuilder;
        return application.ExecutionContext.IsRunMode
            ? application.CreateResourceBuilder(ingress)
            : application.AddResource(ingress).ExcludeFromManifest();
    }

    public static IResourceBuilder<KubernetesIngressResource> WithIngressClass(
        this IResourceBuilder<KubernetesIngressResource> builder, string className)
    {
        builder.Resource.ClassName = className;
        return builder;
    }

    public static IResourceBuilder<KubernetesIngressResource> WithHostname(
        this IResourceBuilder<KubernetesIngressResource> builder, string hostname)
    {
        builder.Resource.Hostnames.Add(hostname);
        return builder;
    }

    public static IResourceBuilder<KubernetesIngressResource> WithPath(
        this IResourceBuilder<KubernetesIngressResource> builder,
        string path,
        EndpointReference endpoint,
        IngressPathType pathType = IngressPathType.Prefix) =>
        Add(builder, null, path, endpoint, pathType);

    public static IResourceBuilder<KubernetesIngressResource> WithPath(
        this IResourceBuilder<KubernetesIngressResource> builder,
        string host,
        string path,
        EndpointReference endpoint,
        IngressPathType pathType = IngressPathType.Prefix) =>
        Add(builder, host, path, endpoint, pathType);

    public static IResourceBuilder<KubernetesIngressResource> WithTls(
        this IResourceBuilder<KubernetesIngressResource> builder, string secretName)
    {
        builder.Resource.TlsSecrets.Add(secretName);
        return builder;
    }

    public static IResourceBuilder<KubernetesIngressResource> WithTls(this IResourceBuilder<KubernetesIngressResource> builder) =>
        builder.WithTls($"{builder.Resource.Name}-tls");

    public static IResourceBuilder<KubernetesIngressResource> WithIngressAnnotation(
        this IResourceBuilder<KubernetesIngressResource> builder, string key, string value)
    {
        builder.Resource.IngressAnnotations[key] = value;
        return builder;
    }

    private static IResourceBuilder<KubernetesIngressResource> Add(
        IResourceBuilder<KubernetesIngressResource> builder, string? host, string path, EndpointReference endpoint, IngressPathType pathType)
    {
        if (!path.StartsWith('/'))
        {
            throw new ArgumentException("Path must start with '/'.", nameof(path));
        }

        builder.Resource.Paths.Add((host, path, pathType, endpoint));
        return builder;
    }
}
