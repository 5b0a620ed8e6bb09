using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Deploy.Monitoring;

/// <summary>The metrics that a query names.</summary>
internal static partial class MetricNames
{
    private static readonly HashSet<string> s_words = new(StringComparer.Ordinal) { "and", "or", "unless", "offset", "bool", "inf", "nan" };

    public static IEnumerable<string> Of(string query)
    {
        var bare = Labels().Replace(Text().Replace(query, ""), "");
        return Name().Matches(Grouping().Replace(bare, "")).Select(found => found.Value).Where(name => !s_words.Contains(name));
    }

    [GeneratedRegex("\"(\\\\.|[^\"\\\\])*\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Text();

    [GeneratedRegex(@"\{[^}]*\}|\[[^\]]*\]", RegexOptions.None, 1000)]
    private static partial Regex Labels();

    [GeneratedRegex(@"\b(by|on|without|ignoring|group_left|group_right) *\([^)]*\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Grouping();

    // What a parenthesis follows is a function, and what follows a digit a unit of time.
    [GeneratedRegex(@"(?<![\w:.])[a-zA-Z_:][\w:]*\b(?! *\()", RegexOptions.None, 1000)]
    private static partial Regex Name();
}
