using Aspire.Hosting.Kubernetes;

namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>
/// What is reached from outside, by TLS only: of the Api what clients call, and the dashboard where there is one. Probes, metrics and the scaler's endpoint
/// stay inside. HSTS and TLS 1.2 are the controller's settings (deploy/kubernetes/cluster/ingress-nginx.yaml).
/// </summary>
internal static class Edge
{
    private const string Nginx = "nginx.ingress.kubernetes.io";

    public static void AddApiEdge(
        this IResourceBuilder<KubernetesEnvironmentResource> kubernetes, DeploySettings settings, IResourceBuilder<ProjectResource> api)
    {
        var hosts = settings.Environment.Hosts;
        var calls = kubernetes.AddIngress("api-edge")
            .WithTls(settings, hosts.Api)
            .WithIngressAnnotation($"{Nginx}/proxy-body-size", "33m") // the Api's own limit, and room for its error
            .WithIngressAnnotation($"{Nginx}/proxy-read-timeout", "90"); // longer than Queue:MaxTimeout
        foreach (var path in (string[])["/v1", "/v2"])
        {
            calls.WithPath(hosts.Api, path, api.GetEndpoint("http"));
        }
    }

    //#if (web)
    /// <summary>A circuit of Blazor lives in one replica's memory, so a browser stays with the replica that it began with.</summary>
    public static void AddWebEdge(
        this IResourceBuilder<KubernetesEnvironmentResource> kubernetes, DeploySettings settings, IResourceBuilder<ProjectResource> web)
    {
        var hosts = settings.Environment.Hosts;
        kubernetes.AddIngress("web-edge")
            .WithTls(settings, hosts.Web)
            .WithIngressAnnotation($"{Nginx}/affinity", "cookie")
            .WithIngressAnnotation($"{Nginx}/affinity-mode", "persistent")
            .WithIngressAnnotation($"{Nginx}/session-cookie-name", "replica")
            .WithIngressAnnotation($"{Nginx}/session-cookie-secure", "true")
            .WithIngressAnnotation($"{Nginx}/session-cookie-samesite", "Lax")
            .WithIngressAnnotation($"{Nginx}/session-cookie-max-age", "86400")
            .WithIngressAnnotation($"{Nginx}/session-cookie-change-on-failure", "true")
            .WithIngressAnnotation($"{Nginx}/proxy-read-timeout", "3600") // of a WebSocket
            .WithPath(hosts.Web, "/", web.GetEndpoint("http"));
    }

    //#endif
    private static IResourceBuilder<KubernetesIngressResource> WithTls(
        this IResourceBuilder<KubernetesIngressResource> ingress, DeploySettings settings, string host) => ingress
        .WithIngressClass(settings.IngressClass)
        .WithHostname(host)
        .WithTls($"{ingress.Resource.Name}-tls")
        .WithIngressAnnotation("cert-manager.io/cluster-issuer", settings.ClusterIssuer)
        .WithIngressAnnotation($"{Nginx}/force-ssl-redirect", "true");
}
