using System.Text.RegularExpressions;

namespace InferenceTemplate.Web.Components.Console;

/// <summary>A hash or the id of a trace in a sentence, or what is between them.</summary>
internal sealed partial record TextPart(string Text, bool IsHash = false, bool IsTrace = false)
{
    public static IReadOnlyList<TextPart> Of(string? text)
    {
        var (parts, at) = (new List<TextPart>(), 0);
        foreach (var hash in Hashes().Matches(text ??= "").Cast<Match>())
        {
            var before = text[at..hash.Index];
            parts.Add(new(before));
            parts.Add(new(hash.Value, IsHash: true, IsTrace: hash.Length == 32 && before.EndsWith("trace ", StringComparison.Ordinal)));
            at = hash.Index + hash.Length;
        }

        parts.Add(new(text[at..]));
        return parts.FindAll(part => part.Text.Length > 0);
    }

    [GeneratedRegex("(?<![0-9A-Za-z])[0-9a-f]{32,}(?![0-9A-Za-z])", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Hashes();
}
