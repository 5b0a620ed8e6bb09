using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes.Networking;

/// <summary>
/// What is reached from outside, by TLS only: of the Api what clients call, and the dashboard where there is one. Probes, metrics and
/// the scaler's endpoint stay inside. HSTS and TLS 1.2 are the controller's settings (deploy/cluster/ingress-nginx.yaml).
/// </summary>
internal static class Ingresses
{
    private const string Nginx = "nginx.ingress.kubernetes.io";

    public static IEnumerable<ChartFile> Files() =>
    [
        Of(
            Resources.Api,
            ["/v1", "/v2", "/mcp"],
            new(StringComparer.Ordinal)
            {
                // The Api bounds each body, an upload far higher than a call. It does so as they come: the controller's disk keeps none.
                [$"{Nginx}/proxy-body-size"] = "0",
                [$"{Nginx}/proxy-request-buffering"] = "off",
                [$"{Nginx}/proxy-read-timeout"] = "90", // longer than Queue:MaxTimeout
            }),
        OfGrpc(),
        .. Dashboard.Included ? (ChartFile[])[OfWeb()] : [],
    ];

    // At the Api's host: with TLS, connections agree on HTTP/2. The Api itself bounds each message of a stream, which may be any long.
    private static ChartFile OfGrpc() => Of(
        Resources.Api,
        [
            "/inference.GRPCInferenceService", "/grpc.health.v1.Health", "/grpc.reflection.v1.ServerReflection",
            "/grpc.reflection.v1alpha.ServerReflection",
        ],
        new(StringComparer.Ordinal)
        {
            [$"{Nginx}/backend-protocol"] = "GRPC",
            [$"{Nginx}/proxy-body-size"] = "0",
            [$"{Nginx}/proxy-read-timeout"] = "3600",
            [$"{Nginx}/proxy-send-timeout"] = "3600",
        },
        Services.GrpcEndpoint);

    // A circuit of Blazor lives in one replica's memory, so a browser stays with the replica that it began with.
    private static ChartFile OfWeb() => Of(
        Resources.Web,
        ["/"],
        new(StringComparer.Ordinal)
        {
            [$"{Nginx}/affinity"] = "cookie",
            [$"{Nginx}/affinity-mode"] = "persistent",
            [$"{Nginx}/session-cookie-name"] = "replica",
            [$"{Nginx}/session-cookie-secure"] = "true",
            [$"{Nginx}/session-cookie-samesite"] = "Lax",
            [$"{Nginx}/session-cookie-max-age"] = "86400",
            [$"{Nginx}/session-cookie-change-on-failure"] = "true",
            [$"{Nginx}/proxy-read-timeout"] = "3600", // of a WebSocket
        });

    private static ChartFile Of(string component, string[] paths, Dictionary<string, string> annotations, string port = "http")
    {
        var name = port == "http" ? component : $"{component}-{port}";
        annotations[Template.When(".Values.clusterIssuer", "cert-manager.io/cluster-issuer")] = "{{ .Values.clusterIssuer }}";
        annotations[$"{Nginx}/force-ssl-redirect"] = "true";
        annotations[Template.Spliced(".Values.ingressAnnotations")] = "";
        var host = $"{{{{ .Values.hosts.{component} }}}}";
        var metadata = Component.Named($"{name}-edge", component);
        metadata.Annotations = annotations;
        var backend = new V1IngressBackend { Service = new() { Name = Component.ServiceOf(component), Port = new() { Name = port } } };
        return ChartFile.Of($"{component}/{(port == "http" ? "" : $"{port}-")}ingress.yaml", new V1Ingress
        {
            Metadata = metadata,
            Spec = new()
            {
                IngressClassName = "{{ .Values.ingressClass }}",
                Rules =
                [
                    new()
                    {
                        Host = host,
                        Http = new() { Paths =
                            [.. paths.Select(path => new V1HTTPIngressPath { Path = path, PathType = "Prefix", Backend = backend })] },
                    },
                ],
                Tls = [new() { Hosts = [host], SecretName = $"{name}-edge-tls" }],
            },
        }, Switches.Ingresses);
    }
}
