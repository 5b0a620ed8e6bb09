using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>Paths of this tree that stand in scripts, workflows, comments or prose are there.</summary>
internal static partial class Mentions
{
    [GeneratedRegex(
        @"(?<![\w/.$}>)\]*-])(\./)?(?<path>(scripts|deploy|docs|Tests|models|AppHost|Api|Client|Core|Data|Worker|Web|Bench|ServiceDefaults|\.ci|\.github)/[\w.-]+(/[\w.-]+)*)(?![\w*{<$/])",
        RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex InTree();

    public static IEnumerable<string> Find(GeneratedProject project)
    {
        // Text is the same whatever was chosen, so a comment may speak of a part that was left out.
        if (project.Choice != Choice.Default)
        {
            yield break;
        }

        foreach (var (file, text) in project.Texts)
        {
            // What project files and documents refer to are rules of their own.
            if (Path.GetExtension(file) is ".csv" or ".slnx" or ".csproj" or ".props" or ".targets" or ".md")
            {
                continue;
            }

            foreach (Match match in InTree().Matches(text))
            {
                var path = match.Groups["path"].Value.TrimEnd('.');
                if (!IsThere(project, path) && !IsThere(project, $"{Path.GetDirectoryName(file)}/{path}") && !IsOfChart(project, file, path))
                {
                    yield return $"{Rule.At(file, text, match.Index)}: speaks of {path}, which is not there";
                }
            }
        }
    }

    // Templates name files of their chart from its root.
    private static bool IsOfChart(GeneratedProject project, string file, string path) =>
        file.StartsWith("deploy/helm/templates/", StringComparison.Ordinal) && project.Exists($"deploy/helm/{path}");

    // What npm installs, what a build writes, and a model that has yet to be named.
    private static bool IsElsewhere(string path) =>
        path.Contains("node_modules", StringComparison.Ordinal) || path.Contains("/obj/", StringComparison.Ordinal)
        || path.Contains("MODEL", StringComparison.Ordinal) || path.StartsWith("models/mine", StringComparison.Ordinal);

    // `Api/Telemetry` may stand for a file of that name, and `FailureTests` of `Tests/EndToEnd/FailureTests` is a class.
    private static bool IsThere(GeneratedProject project, string path) =>
        IsElsewhere(path) || project.Exists(path)
            || project.Exists(path + ".cs") || project.Files.Any(file => file.StartsWith(path, StringComparison.Ordinal));
}
