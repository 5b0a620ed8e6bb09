using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Kubernetes.Resources;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Makes the object of an ingress.</summary>
internal static class IngressFactory
{
    /// <summary>Null for an ingress without a path.</summary>
    public static Ingress? Create(KubernetesIngressResource ingress, ChartModel model)
    {
        var result = new Ingress { Metadata = { Name = ingress.Name.ToLowerInvariant() } };
        result.Spec.IngressClassName = ingress.ClassName!;
        foreach (var (key, value) in ingress.IngressAnnotations)
        {
            result.Metadata.Annotations[key] = value;
        }

        foreach (var host in ingress.Paths.GroupBy(path => path.Host))
        {
            var rule = new IngressRuleV1 { Host = host.Key! };
            rule.Http.Paths.AddRange(host.Select(path => new HttpIngressPathV1
            {
                Path = path.Path,
                PathType = path.Type.ToString(),
                Backend = Backend(path.Endpoint, ingress, model),
            }));
            result.Spec.Rules.Add(rule);
        }

        foreach (var secret in ingress.TlsSecrets)
        {
            var tls = new IngressTLSV1 { SecretName = secret };
            tls.Hosts.AddRange(ingress.Hostnames);
            result.Spec.Tls.Add(tls);
        }

        return result.Spec.Rules.Count == 0 ? null : result;
    }

    private static IngressBackendV1 Backend(EndpointReference endpoint, KubernetesIngressResource ingress, ChartModel model)
    {
        // Whoever opens a resource to the world says so where the resource is described.
        if (!endpoint.EndpointAnnotation.IsExternal)
        {
            throw new DistributedApplicationException(
                $"Resource '{endpoint.Resource.Name}' endpoint '{endpoint.EndpointName}' is not marked as external but is being routed by Ingress '{ingress.Name}'. Call .WithExternalHttpEndpoints() on the target resource or pass isExternal: true when creating the endpoint annotation. Ingress routes may only expose endpoints that are explicitly marked external.");
        }

        var target = model.Find(endpoint.Resource)
            ?? throw new DistributedApplicationException($"Ingress '{ingress.Name}' routes to the resource '{endpoint.Resource.Name}', which is not part of the chart.");
        return new() { Service = new() { Name = target.ServiceName, Port = new() { Name = endpoint.EndpointName } } };
    }
}
