using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>What was not chosen is neither there nor spoken of.</summary>
internal static partial class AbsentParts
{
    [GeneratedRegex(@"\bProjects\.Web\b|\bWeb\.csproj|\bWeb/|Tests\.Web|web-edge|\bResources\.Web\b|""web""|web_image|https?://localhost:5102|Radzen", RegexOptions.None, 5000)]
    private static partial Regex Web();

    [GeneratedRegex(@"(?<![\w/])deploy/|AddHelmChart|AppHost\.Kubernetes|chart\.sh", RegexOptions.None, 5000)]
    private static partial Regex Deploy();

    [GeneratedRegex(@"worker-cuda|GpuNodes\.(OnDemand|Spot),", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Cuda();

    public static IEnumerable<string> Find(GeneratedProject project)
    {
        var choice = project.Choice;
        return
        [
            .. choice.Web ? [] : Complaints(project, Web(), IsOfTheProduct, "--no-web, and yet"),
            .. choice.Deploy ? [] : Complaints(project, Deploy(), file => IsOfTheProduct(file) && !file.StartsWith("docs/", StringComparison.Ordinal), "--no-deploy, and yet"),
            .. choice.Cuda ? [] : Complaints(project, Cuda(), file => IsOfTheProduct(file) && !file.StartsWith("docs/", StringComparison.Ordinal), "--gpu none, and yet"),
            .. choice.Cuda || project.Texts["Directory.Build.targets"].Contains(">cpu</OnnxRuntime>", StringComparison.Ordinal)
                ? [] : (string[])["Directory.Build.targets: --gpu none, and yet ONNX Runtime comes with CUDA"],
            .. choice.Samples ? [] : project.Files.Where(file => file.StartsWith("models/", StringComparison.Ordinal) && file != "models/README.md").Select(file => $"{file}: --no-samples, and yet"),
        ];
    }

    // The page on readiness tells what was proved of every part.
    private static bool IsOfTheProduct(string file) => file != "docs/production-readiness.md";

    private static IEnumerable<string> Complaints(GeneratedProject project, Regex pattern, Func<string, bool> files, string complaint) =>
        Rule.Matches(project, pattern, files, complaint)
            .Concat(project.Files.Where(file => files(file) && pattern.IsMatch(file)).Select(file => $"{file}: {complaint} its path"));
}
