using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

/// <summary>What a deployment relies on, or is measured by, that its own objects cannot tell.</summary>
public sealed record Expectations
{
    /// <summary>
    /// Hops that network policies must admit, and no others: <c>api -&gt; postgres:5432/TCP</c> (<see cref="NetworkEdges"/>).
    /// </summary>
    public required IReadOnlyCollection<string> Edges { get; init; }

    /// <summary>Secrets that others make, with their entries.</summary>
    public IReadOnlyDictionary<string, string[]> OutsideSecrets { get; init; } = new Dictionary<string, string[]>();

    /// <summary>Pods that others run beside the deployment, by a name for them, with their labels.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> OutsidePods { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, string>>();

    /// <summary>Values that were given as secrets, and may stand in Secrets only.</summary>
    public IReadOnlyCollection<string> SecretValues { get; init; } = [];
}

/// <summary>A rule that every deployment of the product keeps.</summary>
/// <param name="Violations">What breaks it, object by object; nothing when it is kept.</param>
public sealed record Policy(string Name, Func<RenderedObjects, Expectations, IEnumerable<string>> Violations)
{
    public static IReadOnlyList<Policy> All { get; } =
    [
        new("containers are restricted", (objects, _) => PodSecurity.Violations(objects)),
        new("containers have requests and limits", (objects, _) => ContainerSizes.Violations(objects)),
        new("containers have three probes", (objects, _) => Probes.Violations(objects)),
        new("selectors match", Selectors.Violations),
        new("ports lead somewhere", (objects, _) => Ports.Violations(objects)),
        new("references resolve", References.Violations),
        new("secrets are in Secrets only", Secrecy.Violations),
        new("networks admit the topology and no more", NetworkEdges.Violations),
        new("updates lose nothing", (objects, _) => Availability.Violations(objects)),
        new("ingresses have TLS", (objects, _) => IngressTls.Violations(objects)),
    ];

    public static IReadOnlyList<string> AllViolations(RenderedObjects objects, Expectations expectations) =>
        [.. All.SelectMany(policy => policy.Violations(objects, expectations).Select(violation => $"{policy.Name}: {violation}"))];

    public override string ToString() => Name;
}
