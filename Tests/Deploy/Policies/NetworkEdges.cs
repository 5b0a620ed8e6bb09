using System.Text.Json.Nodes;
using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>
/// Every pod is under a policy for each direction, and what the policies admit together is what was expected. A hop between two of our
/// pods has to be admitted at both ends. Written <c>caller -&gt; called:port/protocol</c>, where an end is a component,
/// <c>namespace/x</c> or a range.
/// </summary>
internal static class NetworkEdges
{
    public static IEnumerable<string> Violations(RenderedObjects objects, Expectations expectations)
    {
        var ours = objects.Pods.Select(pods => new Ours(pods.Component, pods.Labels))
            .Concat(expectations.OutsidePods.Select(pods => new Ours(pods.Key, pods.Value))).ToList();
        foreach (var (name, labels) in ours)
        {
            foreach (var direction in new[] { "Ingress", "Egress" })
            {
                var limiting = objects.OfKind("NetworkPolicy")
                    .Where(policy => policy.Spec.Items("policyTypes").Any(type => type.ToString() == direction));
                if (!limiting.Any(policy => RenderedObjects.Selects(policy.Spec.At("podSelector"), labels)))
                {
                    yield return $"{name}: no policy limits its {direction}";
                }
            }
        }

        var outgoing = Rules(objects, ours, "egress", "to").ToHashSet(StringComparer.Ordinal);
        var incoming = Rules(objects, ours, "ingress", "from").ToHashSet(StringComparer.Ordinal);
        var names = ours.Select(each => each.Name).ToHashSet(StringComparer.Ordinal);
        bool IsInside(string edge) => edge[..edge.IndexOf(':', StringComparison.Ordinal)].Split(" -> ").All(names.Contains);
        foreach (var edge in outgoing.Except(incoming).Where(IsInside)) yield return $"{edge}: admitted at its beginning only";
        foreach (var edge in incoming.Except(outgoing).Where(IsInside)) yield return $"{edge}: admitted at its end only";

        var admitted = outgoing.Union(incoming).ToHashSet(StringComparer.Ordinal);
        foreach (var edge in admitted.Except(expectations.Edges))
        {
            yield return $"{edge}: admitted, but neither in the topology nor in the table";
        }

        foreach (var edge in expectations.Edges.Except(admitted)) yield return $"{edge}: needed, but not admitted";
    }

    private static IEnumerable<string> Rules(
        RenderedObjects objects, List<Ours> ours, string rules, string peers) =>
        from policy in objects.OfKind("NetworkPolicy")
        from subject in Matching(policy.Spec.At("podSelector"), ours)
        from rule in policy.Spec.Items(rules)
        from peer in Peers(rule, peers, ours)
        from port in PortsOf(rule)
        select rules == "egress" ? $"{subject} -> {peer}:{port}" : $"{peer} -> {subject}:{port}";

    private static IEnumerable<string> Matching(JsonNode? selector, List<Ours> ours) =>
        ours.Where(each => RenderedObjects.Selects(selector, each.Labels)).Select(each => each.Name).Distinct();

    private static IEnumerable<string> Peers(JsonNode rule, string name, List<Ours> ours) =>
        rule.At(name) is null ? ["anybody"] : rule.Items(name).SelectMany(peer => Peer(peer, ours));

    private static IEnumerable<string> Peer(JsonNode peer, List<Ours> ours)
    {
        if (peer.At("ipBlock") is { } block)
        {
            return [string.Join(" without ", block.Items("except").Select(each => each.ToString()).Prepend(block.Text("cidr")))];
        }

        if (peer.At("namespaceSelector") is not { } space) return Matching(peer.At("podSelector"), ours);
        var pods = string.Join(",", peer.Entries("podSelector", "matchLabels").Select(label => $"{label.Key}={label.Value}"));
        var named = space.Text("matchLabels", "kubernetes.io/metadata.name");
        return [$"namespace/{(named.Length > 0 ? named : "any")}{(pods.Length > 0 ? $"[{pods}]" : "")}"];
    }

    private static IEnumerable<string> PortsOf(JsonNode rule) => rule.At("ports") is null ? ["any"]
        : from port in rule.Items("ports")
          let protocol = port.Text("protocol")
          select $"{port.Text("port")}/{(protocol.Length > 0 ? protocol : "TCP")}";

    private sealed record Ours(string Name, IReadOnlyDictionary<string, string> Labels);
}
