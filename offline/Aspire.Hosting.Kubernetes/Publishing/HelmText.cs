using System.Text.RegularExpressions;

namespace Aspire.Hosting.Kubernetes.Publishing;

/// <summary>Expressions of Helm.</summary>
internal static partial class HelmText
{
    public static string Key(string name) => name.Replace('-', '_');

    public static string Expression(string section, string resource, string key) => $"{{{{ {Key($".Values.{section}.{resource}.{key}")} }}}}";

    public static bool ReadsValues(string text) => Hole().IsMatch(text) && text.Contains(".Values.", StringComparison.Ordinal);

    public static bool IsSecret(string text) => Hole().IsMatch(text) && text.Contains(".Values.secrets.", StringComparison.Ordinal);

    /// <summary>Whether a text stands in the template without quotes: it is nothing but an expression that gives a number, or begins with a choice.</summary>
    public static bool IsPlain(string text) => Choice().IsMatch(text) || (Number().IsMatch(text) && Single().IsMatch(text));

    /// <summary>Makes a text of an expression that gives a number: a ConfigMap holds texts only.</summary>
    public static string AsString(string text) => Number().Replace(text, match => $"{match.Value[..^2].TrimEnd()} | toString }}}}");

    [GeneratedRegex(@"^\{\{\s*if\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Choice();

    [GeneratedRegex(@"\{\{\s*[^{}]+\}\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Hole();

    [GeneratedRegex(@"^\{\{\s*[^{}]+\}\}$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Single();

    [GeneratedRegex(@"\{\{[^}]*\|\s*(int|int64|float64)\s*\}\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Number();
}
