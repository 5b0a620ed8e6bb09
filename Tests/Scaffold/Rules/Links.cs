using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>Links of documents lead to a file that is there, and to a heading in it.</summary>
internal static partial class Links
{
    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Link();

    [GeneratedRegex(@"^#+ +(?<text>.+?) *$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{Nd}\p{Pc} -]", RegexOptions.None, 5000)]
    private static partial Regex NotInAnAnchor();

    public static IEnumerable<string> Find(GeneratedProject project)
    {
        foreach (var (file, text) in project.Texts.Where(each => each.Key.EndsWith(".md", StringComparison.Ordinal)))
        {
            foreach (Match match in Link().Matches(text))
            {
                var target = match.Groups["target"].Value;
                if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal))
                {
                    continue;
                }

                var parts = target.Split('#', 2);
                var path = parts[0].Length == 0 ? file
                    : Path.GetRelativePath("/", Path.GetFullPath(Path.Combine("/", Path.GetDirectoryName(file)!, parts[0])))
                        .Replace('\\', '/');
                if (!project.Exists(path) && project.Choice != Choice.Default && Path.Exists(Path.Combine(Repository.Root, path)))
                {
                    // Documents are the same whatever was chosen; this is of a part that was left out.
                    continue;
                }

                if (!project.Exists(path))
                {
                    yield return $"{Rule.At(file, text, match.Index)}: links to {target}, which is not there";
                }
                else if (parts.Length == 2 && project.Texts.TryGetValue(path, out var other)
                    && !Heading().Matches(other).Any(heading => Anchor(heading.Groups["text"].Value) == parts[1]))
                {
                    yield return $"{Rule.At(file, text, match.Index)}: links to {target}, and there is no such heading";
                }
            }
        }
    }

    private static string Anchor(string heading) =>
        NotInAnAnchor().Replace(heading.Replace("`", "", StringComparison.Ordinal).ToLowerInvariant(), "").Trim().Replace(' ', '-');
}
