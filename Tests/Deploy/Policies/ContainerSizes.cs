using InferenceTemplate.Tests.Deploy.Rendering;

namespace InferenceTemplate.Tests.Deploy.Policies;

internal static class ContainerSizes
{
    public static IEnumerable<string> Violations(RenderedObjects objects) =>
        from pods in objects.Pods
        from container in pods.Containers
        from kind in new[] { "requests", "limits" }
        from resource in new[] { "cpu", "memory" }
        where container.Text("resources", kind, resource).Length == 0
        select $"{pods}, container {container.Text("name")}: has no {kind} of {resource}";
}
