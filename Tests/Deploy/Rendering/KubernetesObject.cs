using System.Text.Json.Nodes;

namespace InferenceTemplate.Tests.Deploy.Rendering;

/// <summary>One object, as it would be sent to a cluster.</summary>
public sealed record KubernetesObject(JsonObject Json)
{
    public string ApiVersion => Json.Text("apiVersion");

    public string Kind => Json.Text("kind");

    public string Name => Json.Text("metadata", "name");

    public JsonNode? Spec => Json.At("spec");

    public override string ToString() => $"{Kind}/{Name}";
}

/// <summary>The pods that an object makes, all alike.</summary>
/// <param name="Component">What runs in them: the name of their first container.</param>
/// <param name="Template">Their metadata and specification; without a specification where an operator writes that itself.</param>
public sealed record Pods(string Component, KubernetesObject Owner, JsonNode Template)
{
    public IReadOnlyDictionary<string, string> Labels => Template.Entries("metadata", "labels");

    public JsonNode? Spec => Template.At("spec");

    public IEnumerable<JsonNode> Containers => Spec.Items("containers").Concat(Spec.Items("initContainers"));

    public override string ToString() => Owner.ToString();
}
