using System.Text.Json.Nodes;

namespace InferenceTemplate.Tests.Deploy.Rendering;

/// <summary>All objects of one deployment, whatever tool composed them.</summary>
public sealed class RenderedObjects
{
    private static readonly string[] s_workloads = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"];

    public RenderedObjects(IEnumerable<JsonObject> objects)
    {
        All = [.. objects.Select(json => new KubernetesObject(json))];
        Pods = [.. All.Select(PodsOf).OfType<Pods>()];
    }

    public IReadOnlyList<KubernetesObject> All { get; }

    public IReadOnlyList<Pods> Pods { get; }

    /// <summary>Reads a stream of YAML documents, such as <c>helm template</c> and <c>kubectl kustomize</c> write.</summary>
    public static RenderedObjects Parse(string yaml) => new(YamlJson.Parse(yaml));

    public IEnumerable<KubernetesObject> OfKind(params string[] kinds) =>
        All.Where(each => kinds.Contains(each.Kind, StringComparer.Ordinal));

    public KubernetesObject? Find(string kind, string name) => All.FirstOrDefault(each => each.Kind == kind && each.Name == name);

    /// <summary>The container of a component.</summary>
    public JsonNode Container(string component) => PodsOf(component).Containers.Single();

    public Pods PodsOf(string component) => Pods.Single(pods => pods.Component == component);

    /// <summary>An entry of a ConfigMap or Secret.</summary>
    public string Entry(string name, string key) =>
        (Find("ConfigMap", name)?.Json.At("data", key) ?? Find("Secret", name)?.Json.At("stringData", key)).Text();

    /// <summary>Whether a label selector, or a plain mapping of labels, selects something with these labels.</summary>
    public static bool Selects(JsonNode? selector, IReadOnlyDictionary<string, string> labels)
    {
        var isSelector = (selector.At("matchLabels") ?? selector.At("matchExpressions")) is not null;
        var wanted = isSelector ? selector.Entries("matchLabels") : selector.Entries();
        return wanted.All(label => labels.GetValueOrDefault(label.Key) == label.Value)
            && selector.Items("matchExpressions").All(expression => Holds(expression, labels));
    }

    private static bool Holds(JsonNode expression, IReadOnlyDictionary<string, string> labels)
    {
        var known = labels.TryGetValue(expression.Text("key"), out var value);
        var values = expression.Items("values").Select(each => each.ToString());
        return expression.Text("operator") switch
        {
            "Exists" => known,
            "DoesNotExist" => !known,
            "In" => known && values.Contains(value, StringComparer.Ordinal),
            "NotIn" => !values.Contains(value, StringComparer.Ordinal),
            var other => throw new InvalidDataException($"There is no operator {other}."),
        };
    }

    private static Pods? PodsOf(KubernetesObject owner)
    {
        if (owner.Kind == "Cluster" && owner.ApiVersion.StartsWith("postgresql.cnpg.io/", StringComparison.Ordinal))
        {
            return new Pods(owner.Name, owner, new JsonObject { ["metadata"] = owner.Spec.At("inheritedMetadata")?.DeepClone() });
        }

        if (!s_workloads.Contains(owner.Kind, StringComparer.Ordinal))
        {
            return null;
        }

        var template = owner.Kind == "CronJob" ? owner.Spec.At("jobTemplate", "spec", "template") : owner.Spec.At("template");
        return template is null ? null : new Pods(template.Items("spec", "containers").FirstOrDefault().Text("name"), owner, template);
    }
}
