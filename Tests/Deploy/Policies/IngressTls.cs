using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>Every host has a certificate, plain HTTP only leads to it, and what is for probes and scrapers is not for the world.</summary>
internal static class IngressTls
{
    public static IEnumerable<string> Violations(RenderedObjects objects)
    {
        foreach (var ingress in objects.OfKind("Ingress"))
        {
            var annotations = ingress.Json.Entries("metadata", "annotations");
            var covered = ingress.Spec.Items("tls").Where(tls => tls.Text("secretName").Length > 0)
                .SelectMany(tls => tls.Items("hosts")).Select(host => host.ToString()).ToList();
            foreach (var rule in ingress.Spec.Items("rules"))
            {
                if (rule.Text("host").Length == 0) yield return $"{ingress}: answers for any host";
                else if (!covered.Contains(rule.Text("host"), StringComparer.Ordinal))
                {
                    yield return $"{ingress}: has no certificate for {rule.Text("host")}";
                }
            }

            if (!annotations.ContainsKey("cert-manager.io/cluster-issuer") && !annotations.ContainsKey("cert-manager.io/issuer"))
            {
                yield return $"{ingress}: nobody issues its certificate";
            }

            if (annotations.GetValueOrDefault("nginx.ingress.kubernetes.io/force-ssl-redirect") != "true")
            {
                yield return $"{ingress}: answers plain HTTP";
            }
        }
    }
}
