using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>A Service's ports are ports of the containers behind it, and an Ingress leads to a port of a Service.</summary>
internal static class Ports
{
    public static IEnumerable<string> Violations(RenderedObjects objects)
    {
        foreach (var service in objects.OfKind("Service"))
        {
            var open = objects.Pods.Where(pods => RenderedObjects.Selects(service.Spec.At("selector"), pods.Labels))
                .SelectMany(pods => pods.Containers).SelectMany(container => container.Items("ports"))
                .SelectMany(port => new[] { port.Text("containerPort"), port.Text("name") }).ToHashSet(StringComparer.Ordinal);
            if (!service.Spec.Items("ports").Any()) yield return $"{service}: has no ports";
            foreach (var port in service.Spec.Items("ports"))
            {
                var target = port.Text("targetPort") is { Length: > 0 } named ? named : port.Text("port");
                if (!open.Contains(target)) yield return $"{service}: leads to port {target}, which no container has";
            }
        }

        foreach (var ingress in objects.OfKind("Ingress"))
        {
            foreach (var path in ingress.Spec.Items("rules").SelectMany(rule => rule.Items("http", "paths")))
            {
                var backend = path.At("backend", "service");
                var ports = objects.Find("Service", backend.Text("name"))?.Spec.Items("ports")
                    .SelectMany(port => new[] { port.Text("name"), port.Text("port") });
                var wanted = backend.Text("port", "name") is { Length: > 0 } named ? named : backend.Text("port", "number");
                if (ports?.Contains(wanted, StringComparer.Ordinal) is not true)
                {
                    yield return $"{ingress}: leads to {backend.Text("name")}:{wanted}, which is not there";
                }
            }
        }
    }
}
