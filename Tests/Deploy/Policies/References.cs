using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>
/// Every Secret, ConfigMap, entry of them and claim that a pod or a scaler names is made by the deployment or declared as made by others.
/// </summary>
internal static class References
{
    public static IEnumerable<string> Violations(RenderedObjects objects, Expectations expectations)
    {
        var known = Known(objects, expectations);
        return from reference in Of(objects)
               where !known.TryGetValue(reference.Target, out var keys) || (reference.Key.Length > 0 && !keys.Contains(reference.Key))
               let entry = reference.Key.Length > 0 ? $", entry {reference.Key}" : ""
               select $"{reference.Owner}: refers to {reference.Target}{entry}, which is not there";
    }

    private static Dictionary<string, HashSet<string>> Known(RenderedObjects objects, Expectations expectations)
    {
        var known = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        void Add(string target, IEnumerable<string> keys) => known[target] = keys.ToHashSet(StringComparer.Ordinal);
        foreach (var (name, keys) in expectations.OutsideSecrets) Add($"Secret/{name}", keys);
        foreach (var each in objects.All)
        {
            switch (each.Kind)
            {
                case "Secret" or "ConfigMap":
                    Add(each.ToString(), each.Json.Entries("data").Keys.Concat(each.Json.Entries("stringData").Keys));
                    break;
                case "PersistentVolumeClaim":
                    Add(each.ToString(), []);
                    break;
                case "ExternalSecret":
                    var entries = each.Spec.At("target", "template", "data") is null
                        ? each.Spec.Items("data").Select(entry => entry.Text("secretKey"))
                        : each.Spec.Entries("target", "template", "data").Keys;
                    Add($"Secret/{each.Spec.Text("target", "name")}", entries);
                    break;
                case "Certificate":
                    Add($"Secret/{each.Spec.Text("secretName")}", ["tls.crt", "tls.key", "ca.crt"]);
                    break;
                case "Cluster":
                    Add($"Secret/{each.Name}-ca", ["ca.crt"]);
                    break;
            }
        }

        return known;
    }

    private static IEnumerable<(string Owner, string Target, string Key)> Of(RenderedObjects objects)
    {
        foreach (var pods in objects.Pods)
        {
            var ofVolumes = pods.Spec.Items("volumes").SelectMany(volume => OfVolume(volume, pods));
            foreach (var (target, key) in pods.Containers.SelectMany(OfContainer).Concat(ofVolumes))
            {
                yield return (pods.ToString(), target, key);
            }
        }

        foreach (var each in objects.OfKind("TriggerAuthentication"))
        {
            foreach (var secret in each.Spec.Items("secretTargetRef"))
            {
                yield return (each.ToString(), $"Secret/{secret.Text("name")}", secret.Text("key"));
            }
        }

        foreach (var each in objects.OfKind("Cluster"))
        {
            if (each.Spec.Text("bootstrap", "initdb", "secret", "name") is { Length: > 0 } login)
            {
                yield return (each.ToString(), $"Secret/{login}", "password");
            }
        }
    }

    private static IEnumerable<(string Target, string Key)> OfContainer(JsonNode container)
    {
        foreach (var from in container.Items("envFrom"))
        {
            if (from.At("secretRef") is { } secret) yield return ($"Secret/{secret.Text("name")}", "");
            if (from.At("configMapRef") is { } map) yield return ($"ConfigMap/{map.Text("name")}", "");
        }

        foreach (var from in container.Items("env").Select(variable => variable.At("valueFrom")))
        {
            if (from.At("secretKeyRef") is { } secret) yield return ($"Secret/{secret.Text("name")}", secret.Text("key"));
            if (from.At("configMapKeyRef") is { } map) yield return ($"ConfigMap/{map.Text("name")}", map.Text("key"));
        }
    }

    private static IEnumerable<(string Target, string Key)> OfVolume(JsonNode volume, Pods pods)
    {
        // Of a file that is mounted by its name, that entry has to be there.
        var files = pods.Containers.SelectMany(container => container.Items("volumeMounts"))
            .Where(mount => mount.Text("name") == volume.Text("name")).Select(mount => mount.Text("subPath")).DefaultIfEmpty("").ToList();
        if (volume.At("secret") is { } secret) return files.Select(file => ($"Secret/{secret.Text("secretName")}", file));
        if (volume.At("configMap") is { } map) return files.Select(file => ($"ConfigMap/{map.Text("name")}", file));
        if (volume.At("persistentVolumeClaim") is { } claim) return [($"PersistentVolumeClaim/{claim.Text("claimName")}", "")];
        return [];
    }
}
