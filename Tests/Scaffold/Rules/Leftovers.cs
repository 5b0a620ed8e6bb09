using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>No mark of the template stays, and none of its own names.</summary>
internal static partial class Leftovers
{
    [GeneratedRegex("#(if|elseif|else|endif)\\b(?!`)(?! [a-zA-Z])|<!--(if|end)|:-->", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Mark();

    [GeneratedRegex(
        "Inference ?Template|inference[-_]template|aspire-inference|Template\\.sln|template\\.config", RegexOptions.IgnoreCase, 5000)]
    private static partial Regex OwnName();

    public static IEnumerable<string> Find(GeneratedProject project) =>
    [
        // Templates of Handlebars have an #if of their own.
        .. Rule.Matches(project, Mark(), file => !file.EndsWith(".hbs", StringComparison.Ordinal), "a mark of the template is left"),
        .. Rule.Matches(project, OwnName(), _ => true, "a name of the template is left"),
        .. project.Files.Where(file => OwnName().IsMatch(file)
            || file.StartsWith("pack/", StringComparison.Ordinal) || file.Contains("Scaffold", StringComparison.Ordinal)
            || file.Contains("/bin/", StringComparison.Ordinal)
                || file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("node_modules", StringComparison.Ordinal)
            || file.StartsWith(".git/", StringComparison.Ordinal) || file is ".git" || file.StartsWith(".data/", StringComparison.Ordinal))
            .Select(file => $"{file}: is the template's own"),
    ];
}
