using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>Paths of this tree that stand in scripts, workflows, comments or prose are there.</summary>
internal static partial class Mentions
{
    [GeneratedRegex(
        @"(?<![\w/.$}>)\]*-])(\./)?(?<path>(scripts|deploy|docs|Tests|models|offline|AppHost|Api|Worker|Web|Inference|Bench|ServiceDefaults|\.ci|\.github)/[\w.-]+(/[\w.-]+)*)(?![\w*{<$/])",
        RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Path();

    public static IEnumerable<string> Find(GeneratedProject project)
    {
        foreach (var (file, text) in project.Texts)
        {
            if (file.EndsWith(".csv", StringComparison.Ordinal) || file.EndsWith(".sln", StringComparison.Ordinal))
            {
                continue;
            }

            foreach (Match match in Path().Matches(text))
            {
                var path = match.Groups["path"].Value.TrimEnd('.');
                if (!IsThere(project, path))
                {
                    yield return $"{Rule.At(file, text, match.Index)}: speaks of {path}, which is not there";
                }
            }
        }
    }

    // `Api/Telemetry` may stand for a file of that name, and `FailureTests` of `Tests/EndToEnd/FailureTests` is a class.
    private static bool IsThere(GeneratedProject project, string path) =>
        project.Exists(path) || project.Exists(path + ".cs") || project.Files.Any(file => file.StartsWith(path, StringComparison.Ordinal));
}
