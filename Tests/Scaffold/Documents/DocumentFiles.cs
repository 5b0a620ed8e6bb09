using System.Diagnostics;
using System.Text.RegularExpressions;
using InferenceTemplate.Tests.Shared;

namespace InferenceTemplate.Tests.Scaffold.Documents;

/// <summary>The documents of this tree, and what they are made of.</summary>
internal static partial class DocumentFiles
{
    private static readonly string[] s_files = [.. ReadFiles()];

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Link();

    [GeneratedRegex("^#+ +(?<text>.+?) *$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{Nd}\p{Pc} -]", RegexOptions.None, 5000)]
    private static partial Regex NotInAnAnchor();

    [GeneratedRegex("`(?<code>[^`\n]+)`", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex InlineCode();

    [GeneratedRegex("^```bash\n(?<block>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(
        "^```(?<language>[a-z]*)\n.*?^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Fence();

    /// <summary>Tracked files of the tree.</summary>
    public static IReadOnlyList<string> Files => s_files;

    public static TheoryData<string> All => [.. Under("", ".md").Where(file => !file.StartsWith("pack/", StringComparison.Ordinal))];

    /// <summary>Files of a folder with an ending.</summary>
    public static IEnumerable<string> Under(string folder, string ending) =>
        s_files.Where(file => file.StartsWith(folder, StringComparison.Ordinal) && file.EndsWith(ending, StringComparison.Ordinal));

    /// <summary>The text of all of them.</summary>
    public static string TextOf(string folder, string ending) => string.Join('\n', Under(folder, ending).Select(Read));

    public static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file));

    public static bool Exists(string path) => Path.Exists(Path.Combine(Repository.Root, path));

    /// <summary>Targets of links within the tree, and the heading that each names.</summary>
    public static IEnumerable<(string Path, string? Heading)> Links(string file)
    {
        // The README of a generated project lies at its root.
        var folder = file.StartsWith(".template.config/project/", StringComparison.Ordinal) ? "" : Path.GetDirectoryName(file)!;
        foreach (Match match in Link().Matches(Fence().Replace(Read(file), "")))
        {
            var target = match.Groups["target"].Value;
            if (!target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal))
            {
                var parts = target.Split('#', 2);
                var path = parts[0].Length == 0 ? file : Path.GetRelativePath("/", Path.GetFullPath(Path.Combine("/", folder, parts[0])));
                yield return (path, parts.Length == 2 ? parts[1] : null);
            }
        }
    }

    public static IEnumerable<string> Anchors(string file) => Heading().Matches(Fence().Replace(Read(file), ""))
        .Select(match => match.Groups["text"].Value.Replace("`", "", StringComparison.Ordinal).ToLowerInvariant())
        .Select(text => NotInAnAnchor().Replace(text, "").Trim().Replace(' ', '-'));

    public static IEnumerable<string> Code(string text) =>
        InlineCode().Matches(Fence().Replace(text, "")).Select(match => match.Groups["code"].Value);

    public static IEnumerable<string> ShellBlocks(string file) =>
        ShellBlock().Matches(Read(file)).Select(match => match.Groups["block"].Value);

    public static IEnumerable<string> Languages(string file) => Fence().Matches(Read(file)).Select(match => match.Groups["language"].Value);

    private static IEnumerable<string> ReadFiles()
    {
        string[] list = ["-C", Repository.Root, "-c", "core.quotepath=off", "ls-files", "--cached", "--others", "--exclude-standard"];
        using var git = Process.Start(new ProcessStartInfo("git", list) { UseShellExecute = false, RedirectStandardOutput = true })!;
        return [.. git.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(Exists)];
    }
}
