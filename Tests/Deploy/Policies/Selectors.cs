using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>
/// Whatever selects pods selects some, workloads select their own only, and what scales something names a workload that is there.
/// </summary>
internal static class Selectors
{
    public static IEnumerable<string> Violations(RenderedObjects objects, Expectations expectations)
    {
        foreach (var pods in objects.Pods.Where(pods => pods.Owner.Kind is "Deployment" or "StatefulSet" or "DaemonSet"))
        {
            var selected = objects.Pods.Where(other => RenderedObjects.Selects(pods.Owner.Spec.At("selector"), other.Labels)).ToList();
            if (selected is not [var one] || one != pods)
            {
                yield return $"{pods}: selects {(selected.Count == 0 ? "no pods" : string.Join(", ", selected))}";
            }

            foreach (var spread in pods.Spec.Items("topologySpreadConstraints"))
            {
                if (!RenderedObjects.Selects(spread.At("labelSelector"), pods.Labels))
                {
                    yield return $"{pods}: is spread by labels that its pods have not";
                }
            }
        }

        foreach (var each in objects.OfKind("Service", "PodDisruptionBudget"))
        {
            var count = Count(each.Spec.At("selector"), objects);
            if (count != 1) yield return $"{each}: selects the pods of {count} workloads";
        }

        foreach (var each in objects.OfKind("NetworkPolicy"))
        {
            foreach (var selector in PodSelectors(each))
            {
                var ofOthers = expectations.OutsidePods.Values.Any(labels => RenderedObjects.Selects(selector, labels));
                if (Count(selector, objects) == 0 && !ofOthers)
                {
                    yield return $"{each}: selects no pods by {selector.ToJsonString()}";
                }
            }
        }

        foreach (var each in objects.OfKind("HorizontalPodAutoscaler", "ScaledObject", "VerticalPodAutoscaler"))
        {
            var target = each.Spec.At("scaleTargetRef") ?? each.Spec.At("targetRef");
            var kind = target.Text("kind") is { Length: > 0 } named ? named : "Deployment";
            if (objects.Find(kind, target.Text("name")) is not { } workload)
            {
                yield return $"{each}: scales {kind}/{target.Text("name")}, which is not there";
            }
            else if (each.Kind != "VerticalPodAutoscaler" && workload.Spec.At("replicas") is not null)
            {
                yield return $"{workload}: has a number of replicas, which {each} also sets";
            }
        }
    }

    private static int Count(JsonNode? selector, RenderedObjects objects) =>
        objects.Pods.Count(pods => RenderedObjects.Selects(selector, pods.Labels));

    // Pods of other namespaces are not ours to know.
    private static IEnumerable<JsonNode> PodSelectors(KubernetesObject policy) => new[] { policy.Spec.At("podSelector") }
        .Concat(from direction in new[] { ("ingress", "from"), ("egress", "to") }
                from rule in policy.Spec.Items(direction.Item1)
                from peer in rule.Items(direction.Item2)
                where peer.At("namespaceSelector") is null
                select peer.At("podSelector"))
        .OfType<JsonNode>();
}
