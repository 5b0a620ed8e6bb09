using System.Text;
using System.Text.RegularExpressions;

namespace InferenceTemplate.Web.Components.Console;

/// <summary>Markdown of a model's file, fit for the page that it is shown on.</summary>
internal static partial class CardText
{
    /// <summary>Characters; more is a book, and each page that is open holds it.</summary>
    public const int Most = 64 << 10;

    private const string Cut = "\n\n*The rest is left out: 65,536 characters are shown.*";
    private const string FrontMatter = "---";

    private static readonly string[] Fences = ["```", "~~~"];

    /// <summary>
    /// Headings go below the section's, facts for machines at the top go, and pictures become their words, since the policy of the page
    /// refuses those of other hosts.
    /// </summary>
    public static string Of(string markdown)
    {
        string[] lines = (markdown.Length > Most ? markdown[..Most] : markdown).ReplaceLineEndings("\n").Split('\n');
        var text = new StringBuilder(markdown.Length);
        string? fence = null;
        foreach (var line in lines.Skip(Start(lines)))
        {
            var trimmed = line.TrimStart();
            if (fence is not null)
            {
                fence = trimmed.StartsWith(fence, StringComparison.Ordinal) ? null : fence;
                text.Append(line).Append('\n');
                continue;
            }

            fence = Fences.FirstOrDefault(mark => trimmed.StartsWith(mark, StringComparison.Ordinal));
            text.Append(trimmed.StartsWith('#') ? Demoted(trimmed) : Picture.Replace(line, "*${words}*")).Append('\n');
        }

        return markdown.Length > Most ? text.Append(fence is null ? Cut : $"{fence}{Cut}").ToString() : text.ToString();
    }

    // The line after the front matter, where there is one.
    private static int Start(string[] lines) =>
        lines[0].TrimEnd() == FrontMatter ? Array.FindIndex(lines, 1, line => line.TrimEnd() == FrontMatter) + 1 : 0;

    // By two levels, of which there are six.
    private static string Demoted(string heading)
    {
        var level = heading.TakeWhile(character => character == '#').Count();
        return level > 6 ? heading : $"{new string('#', Math.Min(6, level + 2))}{heading[level..]}";
    }

    [GeneratedRegex(@"!\[(?<words>[^\]\n]*)\]\([^)\n]*\)", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Picture { get; }
}
