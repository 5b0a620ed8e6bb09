using InferenceTemplate.AppHost.Kubernetes.Rendering;
using k8s.Models;

namespace InferenceTemplate.AppHost.Kubernetes;

/// <summary>Names and labels of a component's objects.</summary>
internal static class Component
{
    /// <summary>What belongs to the release as a whole.</summary>
    public const string Platform = "platform";

    public const string Label = "app.kubernetes.io/component";

    public static Dictionary<string, string> Labels(string component) => new(StringComparer.Ordinal)
    {
        ["app.kubernetes.io/name"] = "{{ .Chart.Name }}",
        ["app.kubernetes.io/instance"] = "{{ .Release.Name }}",
        [Label] = component,
    };

    public static V1LabelSelector Selector(string component) => new() { MatchLabels = Labels(component) };

    public static V1ObjectMeta Named(string name, string component) => new() { Name = name, Labels = Labels(component) };

    public static string ServiceOf(string component) => $"{component}-service";

    /// <summary>What every component with pods of ours has beside them.</summary>
    public static IEnumerable<ChartFile> Beside(string component, string? when, params (string Name, int Number)[] ports) =>
    [
        // Somebody of their own to the cluster, who may do nothing and gets no token.
        ChartFile.Of(
            $"{component}/serviceaccount.yaml",
            Pods.Placement.Account(component),
            when),
        ChartFile.Of(
            $"{component}/service.yaml",
            new V1Service
            {
                Metadata = Named(ServiceOf(component), component),
                Spec = new()
                {
                    Type = "ClusterIP",
                    Selector = Labels(component),
                    Ports =
                    [
                        .. ports.Select(port =>
                            new V1ServicePort { Name = port.Name, Protocol = "TCP", Port = port.Number, TargetPort = port.Number }),
                    ],
                },
            },
            when),
        // Updates and drained nodes take one away at a time.
        ChartFile.Of(
            $"{component}/pdb.yaml",
            new V1PodDisruptionBudget { Metadata = Named($"{component}-pdb", component),
                Spec = new() { MaxUnavailable = 1, Selector = Selector(component) } },
            when),
    ];
}
