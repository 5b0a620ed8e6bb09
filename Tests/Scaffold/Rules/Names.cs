using System.Text.RegularExpressions;

namespace InferenceTemplate.Tests.Scaffold.Rules;

/// <summary>Everything that is called after the project, in the form that its place allows.</summary>
internal static partial class Names
{
    [GeneratedRegex(
        @"^namespace (?<name>[^;\s]+?)(\.(Api|AppHost|Client|Core|Data|Inference|ServiceDefaults|Tests|Web|Worker))\b", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Namespace();

    [GeneratedRegex("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Label();

    [GeneratedRegex(@"(?<=localhost:)\d{4,5}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Own();

    /// <summary>What no two projects have in common.</summary>
    public static IEnumerable<string> PortsAndSecrets(string text) => Own().Matches(text).Select(match => match.Value);

    /// <summary>The text without what the template gives each project of its own, and without the benchmark, which it keeps.</summary>
    public static string Neutral(string text) => Own().Replace(text, "*")
        .Replace("Inference Template", "InferenceTemplate", StringComparison.Ordinal)
            .Replace("builder.AddBench();\n", "", StringComparison.Ordinal);

    public static IEnumerable<string> Find(GeneratedProject project)
    {
        var name = project.Name;
        if (!Label().IsMatch(name.Label))
        {
            yield return $"'{name.Label}' is no label";
        }

        foreach (var (file, text) in project.Texts.Where(each => each.Key.EndsWith(".cs", StringComparison.Ordinal)))
        {
            if (Namespace().Match(text) is { Success: true } match && match.Groups["name"].Value != name.Identifier)
            {
                yield return $"{file}: its namespace begins with '{match.Groups["name"].Value}' and not with '{name.Identifier}'";
            }
        }

        if (!project.Texts["Directory.Build.props"].Contains($"<RootNamespace>{name.Identifier}.", StringComparison.Ordinal))
        {
            yield return $"Directory.Build.props: its RootNamespace does not begin with '{name.Identifier}'";
        }

        if (project.Choice.Deploy && !project.Texts["azure.yaml"].Contains($"\nname: {name.Label}\n", StringComparison.Ordinal))
        {
            yield return $"azure.yaml: its name is not '{name.Label}'";
        }

        if (!project.Files.Any(file => file.EndsWith(".slnx", StringComparison.Ordinal)))
        {
            yield return "there is no solution";
        }

        var title = project.Texts["README.md"].Split('\n')[0];
        if (!title.StartsWith("# ", StringComparison.Ordinal) || title.Length < 3)
        {
            yield return $"README.md: its title is '{title}'";
        }
    }
}
