using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>Something that holds for whatever the template makes.</summary>
internal static class Rule
{
    public static IReadOnlyList<Func<GeneratedProject, IEnumerable<string>>> All { get; } =
    [
        Leftovers.Find,
        AbsentParts.Find,
        Arrivals.Find,
        Names.Find,
        ProjectFiles.Find,
        Links.Find,
        Mentions.Find,
    ];

    /// <summary>Where a pattern matches, as <c>file:line: what stands there</c>.</summary>
    public static IEnumerable<string> Matches(GeneratedProject project, Regex pattern, Func<string, bool> files, string complaint)
    {
        foreach (var (file, text) in project.Texts)
        {
            if (files(file))
            {
                foreach (Match match in pattern.Matches(text))
                {
                    yield return $"{At(file, text, match.Index)}: {complaint}: {Line(text, match.Index)}";
                }
            }
        }
    }

    public static string At(string file, string text, int index) => $"{file}:{text.AsSpan(0, index).Count('\n') + 1}";

    private static string Line(string text, int index)
    {
        var start = index == 0 ? 0 : text.LastIndexOf('\n', index - 1) + 1;
        var end = text.IndexOf('\n', index);
        var line = text[start..(end < 0 ? text.Length : end)].Trim();
        return line.Length > 160 ? line[..160] + "..." : line;
    }
}
