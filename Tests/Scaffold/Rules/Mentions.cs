using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>Paths of this tree that stand in scripts, workflows, comments or prose are there.</summary>
internal static partial class Mentions
{
    [GeneratedRegex(
        @"(?<![\w/.$}>)\]*-])(\./)?(?<path>(scripts|deploy|docs|Tests|models|AppHost|Api|Worker|Web|Core|Data|Bench|ServiceDefaults|\.ci|\.github)/[\w.-]+(/[\w.-]+)*)(?![\w*{<$/])",
        RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex InTree();

    public static IEnumerable<string> Find(GeneratedProject project)
    {
        foreach (var (file, text) in project.Texts)
        {
            // What project files refer to is a rule of its own; the page on readiness tells what was proved of the whole template.
            if (Path.GetExtension(file) is ".csv" or ".sln" or ".csproj" or ".props" or ".targets" || file == "docs/production-readiness.md")
            {
                continue;
            }

            foreach (Match match in InTree().Matches(text))
            {
                var path = match.Groups["path"].Value.TrimEnd('.');
                if (!IsThere(project, path) && !IsThere(project, $"{Path.GetDirectoryName(file)}/{path}"))
                {
                    yield return $"{Rule.At(file, text, match.Index)}: speaks of {path}, which is not there";
                }
            }
        }
    }

    // What npm installs, what a build writes, a model that has yet to be named, models of the tests where the product has none, and the chart where the first
    // ./test writes it.
    private static bool IsElsewhere(GeneratedProject project, string path) =>
        path.Contains("node_modules", StringComparison.Ordinal) || path.Contains("/obj/", StringComparison.Ordinal) || path.Contains("MODEL", StringComparison.Ordinal) || path.StartsWith("models/mine", StringComparison.Ordinal)
        || (!project.Choice.Samples && project.Exists($"Tests/M{path[1..]}"))
        || (project.Choice is { Deploy: true } and not { Web: true, Cuda: true } && path.StartsWith("deploy/helm", StringComparison.Ordinal));

    // `Api/Telemetry` may stand for a file of that name, and `FailureTests` of `Tests/EndToEnd/FailureTests` is a class.
    private static bool IsThere(GeneratedProject project, string path) =>
        IsElsewhere(project, path) || project.Exists(path) || project.Exists(path + ".cs") || project.Files.Any(file => file.StartsWith(path, StringComparison.Ordinal));
}
