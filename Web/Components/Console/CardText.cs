using System.Text;
using System.Text.RegularExpressions;

namespace InferenceTemplate.Web.Components.Console;

/// <summary>Markdown of a model's file, fit for the page that it is shown on.</summary>
internal static partial class CardText
{
    /// <summary>Bytes in UTF-8: as many as workers keep of a file's text. One that has them may be the beginning of a longer one.</summary>
    public const int Most = 64 << 10;

    /// <summary>Quotes and lists in one another; each is an element in the one before.</summary>
    public const int MostNested = 16;

    private const string Cut = "\n\n*The rest is left out: 65,536 bytes are shown.*";
    private const string FrontMatter = "---";

    /// <summary>
    /// Headings go below the section's, facts for machines at the top go, and pictures become links, since the policy of the page refuses
    /// those of other hosts.
    /// </summary>
    public static string Of(string markdown)
    {
        string[] lines = (markdown.Length > Most ? markdown[..Most] : markdown).ReplaceLineEndings("\n").Split('\n');
        var text = new StringBuilder(markdown.Length);
        var paragraph = new Paragraph();
        (string Mark, int Quotes, bool IsListed)? fence = null;
        foreach (var line in lines.Skip(Start(lines)))
        {
            var match = Containers.Match(line);
            var containers = match.Groups["one"].Captures;
            var start = string.Concat(containers.Take(MostNested).Select(one => one.Value));
            var (content, quotes) = (line[match.Length..], containers.Count(one => one.Value.TrimStart().StartsWith('>')));
            if (fence is { } open && quotes >= open.Quotes
                && (!open.IsListed || line is "" or [' ' or '\t', ..]))
            {
                fence = content.TrimStart().StartsWith(open.Mark, StringComparison.Ordinal)
                    && content.Trim().All(character => character == open.Mark[0]) ? null : fence;
                text.Append(containers.Count > MostNested ? start + content : line).Append('\n');
                continue;
            }

            fence = Fence.Match(content) is { Success: true } mark
                ? (mark.Groups["mark"].Value, quotes, quotes == 0 && containers.Count > 0) : null;
            var underline = Underline.Match(content);
            if (underline.Success && containers.Count == quotes && paragraph.IsOpen && paragraph.Quotes == quotes
                && (!paragraph.IsListed || content[0] == ' '))
            {
                text.Length = paragraph.Position;
                text.Append(paragraph.Start).Append(Demoted(underline.Value.Contains('=', StringComparison.Ordinal) ? "#" : "##"))
                    .Append(' ').AppendJoin(' ', paragraph.Lines).Append('\n');
                paragraph = new Paragraph();
                continue;
            }

            var heading = Heading.Match(content);
            if (fence is not null || heading.Success || content.Trim().Length == 0 || underline.Success)
            {
                paragraph = new Paragraph();
            }
            else if (!paragraph.IsOpen || containers.Count > quotes || quotes > paragraph.Quotes)
            {
                paragraph = new Paragraph { Position = text.Length, Start = start, Quotes = quotes, IsListed = containers.Count > quotes };
            }

            var shown = fence is not null ? content
                : heading.Success ? Demoted(content.TrimStart()).Replace("![", "[", StringComparison.Ordinal)
                : content.Replace("![", "[", StringComparison.Ordinal);
            if (paragraph.Start is not null)
            {
                paragraph.Lines.Add(shown.Trim());
            }

            text.Append(start).Append(shown).Append('\n');
        }

        return markdown.Length > Most || Encoding.UTF8.GetByteCount(markdown) >= Most
            ? text.Append(fence is { } left ? left.Mark : null).Append(Cut).ToString()
            : text.ToString();
    }

    // The line after the front matter, where there is one.
    private static int Start(string[] lines) =>
        lines[0].TrimEnd() == FrontMatter ? Array.FindIndex(lines, 1, line => line.TrimEnd() == FrontMatter) + 1 : 0;

    // By two levels, of which there are six.
    private static string Demoted(string heading)
    {
        var level = heading.TakeWhile(character => character == '#').Count();
        return $"{new string('#', Math.Min(6, level + 2))}{heading[level..]}";
    }

    // What a line of quotes and lists begins with; a line that may be one of a table, a rule or code has none.
    [GeneratedRegex(
        @"^(?<one> *(?:>|[-*+](?=\s)|[0-9]{1,9}[.)](?=\s))\s?)*", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Containers { get; }

    // With backticks after them, backticks are code within a line.
    [GeneratedRegex(@"^ *(?<mark>`{3,}(?=[^`]*$)|~{3,})", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Fence { get; }

    [GeneratedRegex(@"^ {0,3}#{1,6}(\s|$)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Heading { get; }

    // Below a paragraph it makes a heading of it.
    [GeneratedRegex(@"^ {0,3}(=+|-+)[ \t]*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Underline { get; }

    private sealed class Paragraph
    {
        /// <summary>Of its first line; null while none is open.</summary>
        public string? Start { get; init; }

        public int Position { get; init; }

        public int Quotes { get; init; }

        public bool IsListed { get; init; }

        public List<string> Lines { get; } = [];

        public bool IsOpen => Lines.Count > 0;
    }
}
