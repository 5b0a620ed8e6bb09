using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>Three probes, each of which can reach something; and what restarts a pod is not what takes it out of service.</summary>
internal static class Probes
{
    private static readonly string[] s_probes = ["startupProbe", "livenessProbe", "readinessProbe"];

    public static IEnumerable<string> Violations(RenderedObjects objects)
    {
        foreach (var pods in objects.Pods.Where(pods => pods.Owner.Kind is not ("Job" or "CronJob")))
        {
            // Containers that run before the others are not probed.
            foreach (var container in pods.Spec.Items("containers"))
            {
                var name = $"{pods}, container {container.Text("name")}";
                foreach (var violation in s_probes.SelectMany(probe => OfProbe(probe, container.At(probe), container)))
                {
                    yield return $"{name}: {violation}";
                }

                if (Action(container.At("livenessProbe")) is { } live && live == Action(container.At("readinessProbe")))
                {
                    yield return $"{name}: is restarted by the very check that takes it out of service";
                }

                if (Seconds(container.At("startupProbe")) < 30)
                {
                    yield return $"{name}: has less than 30 seconds to start";
                }
            }
        }
    }

    private static IEnumerable<string> OfProbe(string name, JsonNode? probe, JsonNode container)
    {
        if (probe is null)
        {
            yield return $"has no {name}";
            yield break;
        }

        var ports = container.Items("ports").SelectMany(port => new[] { port.Text("containerPort"), port.Text("name") }).ToList();
        if (probe.At("httpGet") is { } get)
        {
            if (get.Text("scheme") is not ("" or "HTTP" or "HTTPS")) yield return $"its {name} has the scheme '{get.Text("scheme")}'";
            if (!get.Text("path").StartsWith('/')) yield return $"its {name} has no path";
            if (!ports.Contains(get.Text("port"), StringComparer.Ordinal))
            {
                yield return $"its {name} asks port '{get.Text("port")}', which is not one of its own";
            }
        }
        else if (probe.At("tcpSocket") is { } socket)
        {
            if (!ports.Contains(socket.Text("port"), StringComparer.Ordinal))
            {
                yield return $"its {name} asks port '{socket.Text("port")}', which is not one of its own";
            }
        }
        else if (!probe.Items("exec", "command").Any())
        {
            yield return $"its {name} asks nothing";
        }
    }

    private static string? Action(JsonNode? probe) => (probe.At("httpGet") ?? probe.At("tcpSocket") ?? probe.At("exec"))?.ToJsonString();

    private static long Seconds(JsonNode? probe) => (probe.Number("periodSeconds") ?? 10) * (probe.Number("failureThreshold") ?? 3);
}
