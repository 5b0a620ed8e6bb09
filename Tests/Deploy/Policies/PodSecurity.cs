using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>
/// The Pod Security Standard "restricted", a root file system that cannot be written, and an account of one's own without a token.
/// </summary>
internal static class PodSecurity
{
    private static readonly string[] s_volumes =
        ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

    public static IEnumerable<string> Violations(RenderedObjects objects)
    {
        foreach (var pods in objects.Pods.Where(pods => pods.Spec is not null))
        {
            foreach (var violation in OfPod(pods.Spec!, objects))
            {
                yield return $"{pods}: {violation}";
            }

            foreach (var container in pods.Containers)
            {
                foreach (var violation in OfContainer(container, pods.Spec!))
                {
                    yield return $"{pods}, container {container.Text("name")}: {violation}";
                }
            }
        }
    }

    private static IEnumerable<string> OfPod(JsonNode pod, RenderedObjects objects)
    {
        if (!pod.IsFalse("automountServiceAccountToken")) yield return "has a token of its service account";
        var account = pod.Text("serviceAccountName");
        if (account is "" or "default") yield return "has no service account of its own";
        else if (!objects.Find("ServiceAccount", account)?.Json.IsFalse("automountServiceAccountToken") ?? true)
        {
            yield return $"has the service account {account}, which is missing or hands out tokens";
        }

        foreach (var host in new[] { "hostNetwork", "hostPID", "hostIPC" })
        {
            if (pod.IsTrue(host)) yield return $"shares {host} with its node";
        }

        foreach (var volume in pod.Items("volumes"))
        {
            if (!((JsonObject)volume).Any(member => s_volumes.Contains(member.Key, StringComparer.Ordinal)))
            {
                yield return $"has the volume {volume.Text("name")} of a kind that is not allowed";
            }
        }
    }

    private static IEnumerable<string> OfContainer(JsonNode container, JsonNode pod)
    {
        var context = container.At("securityContext");
        JsonNode? Effective(string member) => context.At(member) ?? pod.At("securityContext", member);
        if (!Effective("runAsNonRoot").IsTrue()) yield return "may run as root";
        if (Effective("runAsUser").Text() is "" or "0") yield return "names no user other than root";
        if (Effective("seccompProfile").Text("type") is not ("RuntimeDefault" or "Localhost")) yield return "has no seccomp profile";
        if (!context.IsTrue("readOnlyRootFilesystem")) yield return "may write to its root file system";
        if (!context.IsFalse("allowPrivilegeEscalation")) yield return "may escalate its privileges";
        if (context.IsTrue("privileged")) yield return "is privileged";
        if (!context.Items("capabilities", "drop").Any(each => each.ToString() == "ALL")) yield return "keeps capabilities";
        if (context.Items("capabilities", "add").Any()) yield return "adds capabilities";
        if (container.Items("ports").Any(port => port.At("hostPort") is not null)) yield return "takes a port of its node";
    }
}
