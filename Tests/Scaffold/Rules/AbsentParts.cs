using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>What was not chosen is neither there nor spoken of.</summary>
internal static partial class AbsentParts
{
    [GeneratedRegex(@"\bProjects\.Web\b|\bWeb\.csproj|\bWeb/|Tests\.Web|web-edge|\bResources\.Web\b|""web""|web_image|https?://localhost:5102|Radzen", RegexOptions.None, 5000)]
    private static partial Regex Web();

    [GeneratedRegex(@"(?<![\w/])deploy/|AddHelmChart|AppHost\.Kubernetes|chart\.sh", RegexOptions.None, 5000)]
    private static partial Regex Deploy();

    [GeneratedRegex(@"OnnxRuntime\.Gpu\b|worker-cuda|WorkerImage|nvidia/cuda|GpuNodes\.(OnDemand|Spot),", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Cuda();

    public static IEnumerable<string> Find(GeneratedProject project)
    {
        var choice = project.Choice;
        return
        [
            .. choice.Web ? [] : Complaints(project, Web(), IsOfTheProduct, "--no-web, and yet"),
            .. choice.Deploy ? [] : Complaints(project, Deploy(), IsOfTheProduct, "--no-deploy, and yet"),
            .. choice.Cuda ? [] : Complaints(project, Cuda(), IsOfTheProduct, "--gpu none, and yet"),
            .. choice.Samples ? [] : project.Files.Where(file => file.StartsWith("models/", StringComparison.Ordinal) && file != "models/README.md").Select(file => $"{file}: --no-samples, and yet"),
        ];
    }

    // Documents describe the whole product, and say where a part may be missing.
    private static bool IsOfTheProduct(string file) => !file.EndsWith(".md", StringComparison.Ordinal);

    private static IEnumerable<string> Complaints(GeneratedProject project, Regex pattern, Func<string, bool> files, string complaint) =>
        Rule.Matches(project, pattern, files, complaint)
            .Concat(project.Files.Where(file => files(file) && pattern.IsMatch(file)).Select(file => $"{file}: {complaint} its path"));
}
