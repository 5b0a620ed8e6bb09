namespace InferenceTemplate.Tests.Scaffold;

/// <summary>Names that people give to projects, and what must become of them.</summary>
/// <param name="Name">As given to <c>-n</c>.</param>
/// <param name="Identifier">In namespaces and names of assemblies: no underscores, which analysers refuse there.</param>
/// <param name="Label">In names of Kubernetes, images and charts: RFC 1123, beginning with a letter.</param>
public sealed record HostileName(string Name, string Identifier, string Label)
{
    public static IReadOnlyList<HostileName> All { get; } =
    [
        new("Vision", "Vision", "vision"),
        new("my-app 1", "MyApp1", "my-app-1"),
        new("Acme.Vision", "Acme.Vision", "acme-vision"),
        new("1st.2nd", "App1St.App2Nd", "app-1st-2nd"),
        new("R&D's \"best\" <app>", "RDsBestApp", "r-d-s-best-app"),
        new("推理 平台", "推理平台", "app"),
        new("class", "Class", "class"),
        new("Inference", "InferenceApp", "inference"),
        new("ONNXServing_v2", "ONNXServingV2", "onnxserving-v2"),
        new("a..b-", "A.B", "a-b"),
        new("$HOME `x` %d {0}", "HOMEXD0", "home-x-d-0"),
    ];
}
