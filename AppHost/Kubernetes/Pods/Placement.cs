using k8s.Models;
using static InferenceTemplate.AppHost.Kubernetes.Rendering.Template;

namespace InferenceTemplate.AppHost.Kubernetes.Pods;

/// <summary>What a cluster asks of a component's pods beside what the chart does: the values <c>pods</c>.</summary>
internal static class Placement
{
    /// <summary>One of the values of a component's pods.</summary>
    public static string Of(string component, string value) => $".Values.pods.{component}.{value}";

    public static void Apply(V1PodSpec pod, string component)
    {
        pod.NodeSelector ??= new Dictionary<string, string>(StringComparer.Ordinal);
        pod.NodeSelector[Spliced(Of(component, "nodeSelector"))] = "";
        pod.Tolerations = [.. pod.Tolerations ?? [], new() { Key = Spliced(Of(component, "tolerations")) }];
        pod.PriorityClassName = Priority(component);
        pod.SchedulerName = Field("affinity", Of(component, "affinity"));
    }

    public static string Priority(string component) =>
        FieldWhen(Of(component, "priorityClass"), $"{{{{ {Of(component, "priorityClass")} }}}}");

    /// <summary>By which a cloud knows whose rights the pods have, as for object storage.</summary>
    public static V1ServiceAccount Account(string component)
    {
        var metadata = Component.Named(component, component);
        metadata.Annotations = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [Spliced(Of(component, "serviceAccountAnnotations"))] = "",
        };
        return new() { Metadata = metadata, AutomountServiceAccountToken = false };
    }
}
